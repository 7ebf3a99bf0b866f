package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/casview/casview/fsd/result"
	"github.com/casview/casview/fsd/rundir"
)

func TestPs(t *testing.T) {
	s := newSite(t)
	if got := s.ok("ps", "--json"); got != "[]\n" {
		t.Errorf("no runs: %q", got)
	}
	done, _ := s.newRun("done")
	s.end(done, result.Result{Status: result.Partial})
	_, lock := s.newRun("dead")
	lock.Close()
	live, _ := s.newRun("live")
	if err := live.WriteView(rundir.View{Driver: "overlay"}); err != nil {
		t.Fatal(err)
	}

	var runs []struct{ Run, State, Driver, Container string }
	if err := json.Unmarshal([]byte(s.ok("ps", "--json")), &runs); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range runs {
		got = append(got, r.Run+" "+r.State+" "+r.Driver)
	}
	if g := strings.Join(got, ", "); g != "live live overlay, dead uncollected auto, done partial auto" {
		t.Errorf("got %s", g)
	}

	lines := strings.Split(strings.TrimSpace(s.ok("ps")), "\n")
	if len(lines) != 4 || !strings.HasPrefix(lines[0], "RUN   STATE        STARTED ") ||
		!strings.HasPrefix(lines[1], "live  live         ") || !strings.HasSuffix(lines[1], "overlay  /workspace  live-contain") {
		t.Errorf("got\n%s", strings.Join(lines, "\n"))
	}
}

func TestPsBesideABrokenRun(t *testing.T) {
	s := newSite(t)
	_, lock := s.newRun("good")
	lock.Close()
	torn := filepath.Join(s.state, "runs", "torn")
	if err := os.Mkdir(torn, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(torn, "run.json"), "")
	got := s.casview("ps")
	if got.code != 1 || !strings.Contains(got.out, "\ngood ") || !strings.Contains(got.err, "torn/run.json") {
		t.Errorf("got %+v", got)
	}
}

func TestAge(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0s", 59 * time.Second: "59s", 61 * time.Second: "1m", 47 * time.Hour: "47h", 49 * time.Hour: "2d",
	} {
		if got := age(d); got != want {
			t.Errorf("%v: got %s, want %s", d, got, want)
		}
	}
}

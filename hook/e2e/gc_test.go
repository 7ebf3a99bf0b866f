package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// casview gc at any moment of a container's life, with inputs that nothing else uses and no grace: the container has all of them
// or does not start, and the result has all of its outputs.
func TestGCAtAnyMoment(t *testing.T) {
	for _, way := range []staging{onOverlay, onFUSE} {
		t.Run(way.name, func(t *testing.T) { gcAtAnyMoment(t, way.start(t, startRunc)) })
	}
}

func gcAtAnyMoment(t *testing.T, r engine) {
	const rounds, files = 24, 60
	s := r.site()
	ran, refused, removed := 0, 0, int64(0)
	for round := range rounds {
		var in []file
		var want strings.Builder
		for i := range files {
			content := fmt.Sprintf("round %d, file %d\n", round, i)
			in = append(in, file{path: fmt.Sprintf("d%d/e/f%02d", i%7, i), content: content})
			want.WriteString(content)
		}
		root := s.store(t, in...)
		forgetIngests(t, s)
		name := unique("gc")
		j := sh(root, name, `for i in $(seq -w 0 59); do cat d*/e/f$i; done; mkdir out; for i in $(seq 40); do echo $i `+name+` > out/$i; done`)
		if round == 0 {
			removed += gc(t, s) // the one moment at which it is sure what becomes of the container
		}
		container := start(t, r.command(t, j))
		// Once while the container starts, and once around its end.
		time.Sleep(time.Duration(round) * 2 * time.Millisecond)
		for range 2 {
			removed += gc(t, s)
			time.Sleep(time.Duration(rounds-round) * 2 * time.Millisecond)
		}
		o := container.wait(t)
		if o.code != 0 && strings.Contains(o.stderr, root) && o.stdout == "" && !exists(s.runDir(name)) {
			refused++
			continue
		}
		if o.code != 0 || o.stdout != want.String() {
			t.Fatalf("round %d: exit %d, %d bytes of %d\nstderr: %s\nlog: %s", round, o.code, len(o.stdout), want.Len(), o.stderr, s.log(name))
		}
		ran++
		s.complete(t, name)
		ageBlobs(t, s)
		gc(t, s)
		back := filepath.Join(s.dir, name)
		if o := s.casview(t, "materialize", name, back); o.code != 0 {
			t.Errorf("round %d: %s", round, o.stderr)
		}
		if left := names(t, filepath.Join(back, "out")); len(left) != 40 {
			t.Errorf("round %d: %d outputs of 40", round, len(left))
		}
		nothingLeft(t, r, name)
	}
	t.Logf("%d containers ran, %d were refused; %d blobs were removed", ran, refused, removed)
	if ran == 0 || refused == 0 || removed == 0 {
		t.Error("none was refused after its inputs were gone, or none ran")
	}
}

// forgetIngests lets nothing use what was ingested.
func forgetIngests(t *testing.T, s *site) {
	t.Helper()
	must(t, os.RemoveAll(filepath.Join(s.state, "store/index")))
	ageBlobs(t, s)
}

// ageBlobs lets nobody have looked at any blob for an hour.
func ageBlobs(t *testing.T, s *site) {
	t.Helper()
	blobs, err := filepath.Glob(filepath.Join(s.state, "store/blobs/*/*/*"))
	must(t, err)
	for _, b := range blobs {
		must(t, os.Chtimes(b, time.Now().Add(-time.Hour), time.Time{}))
	}
}

// gc collects what nothing uses, without grace, and returns how many blobs went.
func gc(t *testing.T, s *site) int64 {
	t.Helper()
	o := s.casview(t, "gc", "--grace", "0s", "--json")
	if o.code != 0 {
		t.Fatalf("casview gc: exit %d: %s", o.code, o.stderr)
	}
	var r struct {
		Removed int64 `json:"removed_blobs"`
	}
	must(t, json.Unmarshal([]byte(o.stdout), &r))
	return r.Removed
}

package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/casview/casview/fsd/result"
	"github.com/casview/casview/fsd/rundir"
)

func (s site) newRun(name string) (*rundir.Dir, *rundir.Lock) {
	s.t.Helper()
	runs, err := rundir.OpenRuns(s.state)
	if err != nil {
		s.t.Fatal(err)
	}
	d, lock, err := runs.Create(rundir.Spec{Nonce: rundir.NewNonce(), Run: rundir.RunKey(name), Container: name + "-container",
		Target: "/workspace", Driver: "auto", Started: time.Now()})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { lock.Close() })
	if err := runs.BindContainer(d.Spec().Container, d); err != nil {
		s.t.Fatal(err)
	}
	return d, lock
}

// end gives a run its result.
func (s site) end(d *rundir.Dir, r result.Result) string {
	s.t.Helper()
	r.Run = string(d.Spec().Run)
	b, err := r.Encode()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := d.WriteResult(b); err != nil {
		s.t.Fatal(err)
	}
	return string(b)
}

func TestResultExitCodes(t *testing.T) {
	s := newSite(t)
	for status, code := range map[result.Status]int{result.Complete: 0, result.Partial: 3, result.Failed: 4} {
		d, _ := s.newRun("run-" + string(status))
		want := s.end(d, result.Result{Status: status})
		for _, name := range []string{string(d.Key()), d.Spec().Container} {
			if o := s.casview("result", name); o.code != code || o.out != want || o.err != "" {
				t.Errorf("%s: exit %d, %q, %q", name, o.code, o.out, o.err)
			}
		}
	}
	s.casview("result", "gone").wantExit(t, exitNoRun, `no run "gone"`)
	s.casview("result", "gone", "--wait", "60s").wantExit(t, exitNoRun, "casview doctor tells why")
	s.casview("result", "../x").wantExit(t, exitNoRun, `no run "../x"`)
	_, lock := s.newRun("live")
	s.casview("result", "live").wantExit(t, exitNotEnded, "is live")
	lock.Close()
	s.casview("result", "live", "--wait", "10ms").wantExit(t, exitNotEnded, "casview-fsd collect live")
}

func TestResultWaits(t *testing.T) {
	s := newSite(t)
	d, _ := s.newRun("a")
	go func() {
		time.Sleep(30 * time.Millisecond)
		s.end(d, result.Result{Status: result.Complete})
	}()
	start := time.Now()
	if o := s.casview("result", "a", "--wait", "60s"); o.code != 0 || o.out == "" {
		t.Errorf("exit %d: %s", o.code, o.err)
	}
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestResultOfANegativeWait(t *testing.T) {
	newSite(t).casview("result", "job", "--wait", "-5s").wantExit(t, exitUsage, "--wait -5s")
}

func TestResultIsInterrupted(t *testing.T) {
	s := newSite(t)
	s.newRun("a")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	stopped, stop := context.WithCancel(t.Context())
	context.AfterFunc(ctx, stop)
	call(stopped, "", "--config", s.config, "result", "a", "--wait", "60s").wantExit(t, exitFailure, "interrupted")
}

func TestResultOfADamagedFile(t *testing.T) {
	s := newSite(t)
	d, _ := s.newRun("a")
	write(t, d.ResultPath(), "{}")
	o := s.casview("result", "a")
	if o.code != exitFailure || !strings.Contains(o.err, "status") {
		t.Errorf("exit %d: %s", o.code, o.err)
	}
}

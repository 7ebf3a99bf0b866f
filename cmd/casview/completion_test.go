package main

import (
	"os"
	"strings"
	"testing"
)

func TestCompletionScripts(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		if out := newSite(t).ok("completion", shell); !strings.Contains(out, "casview") {
			t.Errorf("%s: %q", shell, out)
		}
	}
}

func TestCompletionOffersRuns(t *testing.T) {
	s := newSite(t)
	s.newRun("build-1")
	s.newRun("build-2")
	s.newRun("test")
	if o := s.casview("__complete", "result", "bu"); !strings.HasPrefix(o.out, "build-1\nbuild-2\n:4\n") {
		t.Errorf("got %q", o.out)
	}
	if o := s.casview("__complete", "result", "test", ""); !strings.HasPrefix(o.out, ":4\n") {
		t.Errorf("second argument: got %q", o.out)
	}
	if o := s.casview("__complete", "resu"); !strings.HasPrefix(o.out, "result\t") {
		t.Errorf("commands: got %q", o.out)
	}
}

// Pressing tab does not make a state directory.
func TestCompletionTouchesNothing(t *testing.T) {
	s := newSite(t)
	s.casview("__complete", "result", "")
	if _, err := os.Stat(s.state); err == nil {
		t.Error("the state directory was made")
	}
}

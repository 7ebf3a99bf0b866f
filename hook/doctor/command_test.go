package doctor

import (
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// A hanging engine does not hang the doctor.
func TestAskIsBounded(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	started := time.Now()
	_, err := ask(ctx, "sleep", "60")
	if err == nil || !strings.Contains(err.Error(), "sleep 60: did not end in time") || time.Since(started) > 20*time.Second {
		t.Errorf("%v after %v", err, time.Since(started))
	}
}

func TestAskFails(t *testing.T) {
	_, err := ask(t.Context(), "sh", "-c", "echo one >&2; echo two >&2; exit 7")
	if err == nil || !strings.HasSuffix(err.Error(), "exit status 7: one; two") {
		t.Error(err)
	}
	_, err = ask(t.Context(), "sh", "-c", "seq 1000 >&2; exit 7")
	if err == nil || len(err.Error()) > 700 || !strings.Contains(err.Error(), ": 1; 2; ") || !strings.HasSuffix(err.Error(), "; 999; 1000") {
		t.Error(err)
	}
}

// What a shell makes of a quoted word is that word.
func TestQuote(t *testing.T) {
	for _, s := range []string{"", "plain/path-1.toml", "a b", "it's", `"$HOME"`, "a\nb", "*", "~", "ä", `\`, ";rm"} {
		out, err := exec.Command("sh", "-c", "printf %s "+quote(s)).Output()
		if err != nil || string(out) != s {
			t.Errorf("%q is quoted %s, which is %q: %v", s, quote(s), out, err)
		}
	}
}

func TestParseVersion(t *testing.T) {
	for text, want := range map[string]string{
		"podman version 4.3.1":                                       "4.3.1",
		"runc version 1.2.0-rc.1\ncommit: v1.1.0-5":                  "1.2.0",
		"containerd github.com/containerd/containerd/v2 v2.1.0 1234": "2.1.0",
		"crun version 1.8\n":                                         "1.8.0",
		"Docker version 28.0.1, build 068a01e":                       "28.0.1",
		"buildkitd github.com/moby/buildkit v0.20.1 abc":             "0.20.1",
	} {
		if v, err := parseVersion(text); err != nil || v.String() != want {
			t.Errorf("%q: %v, %v", text, v, err)
		}
	}
	if v, err := parseVersion("none"); err == nil {
		t.Error(v)
	}
	if v := (version{5, 3, 0}); v.before(5, 3) || v.before(4, 9) || !v.before(5, 4) || !v.before(6, 0) {
		t.Error("before")
	}
}

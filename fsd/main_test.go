package fsd

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// The test binary is also the process that confines itself, which there is no way back from.
func TestMain(m *testing.M) {
	args := os.Args[1:]
	if len(args) == 0 || !strings.HasPrefix(args[0], "do-") {
		os.Exit(m.Run())
	}
	if err := helpers[args[0]](args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

var helpers = map[string]func(args []string) error{
	"do-confine": confined,
}

// helper runs a helper and returns what it prints.
func helper(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", args...)
	// The race detector otherwise sleeps for a second before a process exits.
	cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s%s", err, out, &stderr)
	}
	return string(out)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

package conformance

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// The test binary is also the daemon that serves a view, and the processes that look at one. The tests themselves run in
// a child of it, see privately.
func TestMain(m *testing.M) {
	args := os.Args[1:]
	switch {
	case len(args) > 0 && strings.HasPrefix(args[0], "do-"):
		if err := helpers[args[0]](args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	case os.Geteuid() == 0 && !isPrivate():
		os.Exit(privately())
	default:
		if isPrivate() {
			unix.CloseOnExec(lifelineFD)
		}
		unix.Umask(0o022)
		os.Exit(m.Run())
	}
}

var helpers = map[string]func(args []string) error{
	"do-serve":      serve,
	"do-look":       look,
	handCommand:     handMain,
	fsxWriteCommand: fsxWrite,
	fsxReadCommand:  fsxRead,
	sqliteCommand:   sqliteWrite,
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

package posix

import (
	"fmt"
	"os"
	"testing"
)

// The test binary is also a job that writes until it can't: see WriteFiles.
func TestMain(m *testing.M) {
	if len(os.Args) != 2 || os.Args[1] != WriteFiles {
		os.Exit(m.Run())
	}
	fmt.Fprintln(os.Stderr, writeFiles(os.Stdout))
	os.Exit(1)
}

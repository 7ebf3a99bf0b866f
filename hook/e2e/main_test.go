package e2e

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// world is what all tests of one run of this package share: the binaries and one directory under which everything else
// lives. The zero value means that this host can't run the tests; cause says why.
type world struct {
	dir   string
	bin   string // casview, casview-hook, casview-fsd, casview-runtime
	posix string // the test binary of package posix
	cause string
}

var shared world

func (w *world) in(dir string) {
	w.dir, w.bin, w.posix = dir, filepath.Join(dir, "bin"), filepath.Join(dir, "bin", "posix.test")
}

func TestMain(m *testing.M) {
	code, err := runTests(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func runTests(m *testing.M) (int, error) {
	shared.cause = missing()
	if shared.cause != "" {
		return m.Run(), nil
	}
	if dir := os.Getenv(insideVariable); dir != "" {
		shared.in(dir)
		return m.Run(), nil
	}
	dir, err := os.MkdirTemp("", "cve2e")
	if err != nil {
		return 1, err
	}
	// A rootless user must get through, and only through.
	if err := os.Chmod(dir, 0o711); err != nil {
		return 1, err
	}
	shared.in(dir)
	if err := build(); err != nil {
		return 1, errors.Join(err, os.RemoveAll(dir))
	}
	code := m.Run()
	return code, errors.Join(nothingLeftAtAll(), os.RemoveAll(dir))
}

func missing() string {
	if os.Geteuid() != 0 {
		return "end-to-end tests need root"
	}
	if _, err := os.Stat("/dev/fuse"); errors.Is(err, fs.ErrNotExist) {
		return "end-to-end tests need /dev/fuse"
	}
	return ""
}

// needHost skips where the host can't run containers with FUSE at all.
func needHost(t *testing.T) {
	t.Helper()
	if shared.cause != "" {
		t.Skip(shared.cause)
	}
}

// build makes the binaries as they are shipped: static, without cgo.
func build() error {
	const module = "github.com/casview/casview"
	if err := os.Mkdir(shared.bin, 0o755); err != nil {
		return err
	}
	for _, args := range [][]string{
		{"build", "-o", shared.bin + "/", module + "/cmd/casview", module + "/cmd/casview-hook", module + "/cmd/casview-fsd",
			module + "/cmd/casview-runtime"},
		{"test", "-c", "-o", shared.posix, module + "/hook/e2e/posix"},
	} {
		cmd := exec.Command("go", args...)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", cmd, err, out)
		}
	}
	return nil
}

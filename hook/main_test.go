package hook

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// fsdPath is the casview-fsd that all tests of this package start.
var fsdPath string

func TestMain(m *testing.M) {
	// See hook/attach: the first thread must not be one that stays in a container.
	runtime.LockOSThread()
	code, err := testMain(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func testMain(m *testing.M) (int, error) {
	if os.Getuid() != 0 {
		return m.Run(), nil
	}
	dir, err := os.MkdirTemp("", "casview-hook-test-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	fsdPath = filepath.Join(dir, "casview-fsd")
	build := exec.Command("go", "build", "-o", fsdPath, "../cmd/casview-fsd")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("build casview-fsd: %w: %s", err, out)
	}
	return m.Run(), nil
}

package doctor

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// programs is the folder of the programs that all tests share, and oldPrograms has those of another version.
var programs, oldPrograms string

// denyVariable names a system call that this test binary denies itself before it executes its arguments.
const denyVariable = "DOCTOR_TEST_DENY"

func TestMain(m *testing.M) {
	if name := os.Getenv(denyVariable); name != "" {
		fmt.Fprintln(os.Stderr, executeWithout(name, os.Args[1:]))
		os.Exit(1)
	}
	if os.Getenv(confVariable) != "" {
		if err := printContainersConf(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	code, err := runTests(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func runTests(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "casview-doctor-test-")
	if err != nil {
		return 1, err
	}
	programs, oldPrograms = filepath.Join(dir, "bin"), filepath.Join(dir, "old")
	if err := errors.Join(os.Chmod(dir, 0o755), build()); err != nil {
		return 1, errors.Join(err, os.RemoveAll(dir))
	}
	code := m.Run()
	return code, os.RemoveAll(dir)
}

func build() error {
	const module = "github.com/casview/casview"
	const stamp = "-ldflags=-X " + module + "/cmd/internal/version.stamp="
	for _, args := range [][]string{
		{"-o", programs + "/", stamp + "v9.9.9-test", module + "/cmd/casview", module + "/cmd/casview-hook", module + "/cmd/casview-fsd", module + "/cmd/casview-runtime"},
		{"-o", oldPrograms + "/", stamp + "v0.0.1", module + "/cmd/casview-hook", module + "/cmd/casview-fsd"},
	} {
		cmd := exec.Command("go", append([]string{"build"}, args...)...)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", cmd, err, out)
		}
	}
	return nil
}

// denied is a system call that fails as on a kernel or under a policy that does not have it, whenever its argument has all
// of the bits.
type denied struct {
	number   uint32
	argument uint32
	bits     uint32
	errno    unix.Errno
}

func denials() map[string]denied {
	return map[string]denied{
		"openat2":                 {number: unix.SYS_OPENAT2, errno: unix.ENOSYS},
		"landlock_create_ruleset": {number: unix.SYS_LANDLOCK_CREATE_RULESET, errno: unix.ENOSYS},
		"fsopen":                  {number: unix.SYS_FSOPEN, errno: unix.ENOSYS},
		// The only mount with these flags is that of an overlay.
		"overlay": {number: unix.SYS_MOUNT, argument: 3, bits: unix.MS_NOSUID | unix.MS_NODEV, errno: unix.EPERM},
		"userns":  {number: unix.SYS_CLONE, argument: 0, bits: unix.CLONE_NEWUSER, errno: unix.ENOSPC},
	}
}

// executeWithout is what seccomp policies of containers do. It returns only an error.
func executeWithout(name string, argv []string) error {
	d, ok := denials()[name]
	if !ok {
		return fmt.Errorf("%s: nothing is known of it", name)
	}
	const load, equal, and, answer = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, unix.BPF_ALU | unix.BPF_AND | unix.BPF_K, unix.BPF_RET | unix.BPF_K
	filter := []unix.SockFilter{
		{Code: load, K: 0}, // struct seccomp_data: nr, arch, instruction_pointer, args
		{Code: equal, K: d.number, Jf: 4},
		{Code: load, K: 16 + 8*d.argument},
		{Code: and, K: d.bits},
		{Code: equal, K: d.bits, Jf: 1},
		{Code: answer, K: unix.SECCOMP_RET_ERRNO | uint32(d.errno)},
		{Code: answer, K: unix.SECCOMP_RET_ALLOW},
	}
	runtime.LockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	if err := setFilter(filter); err != nil {
		return err
	}
	program, err := exec.LookPath(argv[0])
	if err != nil {
		return err
	}
	return unix.Exec(program, argv, os.Environ())
}

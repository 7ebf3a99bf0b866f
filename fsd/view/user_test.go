package view_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A process that serves a view must not look at it (go-fuse's package comment says why), so the tests look through other
// processes: shell tools, and this binary again where one exact system call is wanted.

// sh runs a script with "$1" and on set to args and returns its output.
func sh(t testing.TB, script string, args ...string) string {
	t.Helper()
	cmd := exec.Command("/bin/sh", append([]string{"-euc", script, "sh"}, args...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("sh: %s: %v\n%s", script, err, &stderr)
	}
	return string(out)
}

// call is one system call on a path. Names are in user calls below.
type call struct {
	Op   string
	Path []byte
	Arg  []byte
}

type result struct {
	Errno string // "" for success
	Out   []byte
}

// user makes the calls in one other process, in order.
func user(t testing.TB, calls ...call) []result {
	t.Helper()
	in, err := json.Marshal(calls)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/proc/self/exe")
	// The race detector otherwise sleeps for a second before a process exits.
	cmd.Env = append(os.Environ(), stageVar+"="+stageUser, "GORACE=atexit_sleep_ms=0")
	cmd.Stdin = bytes.NewReader(in)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("user process: %v\n%s", err, &stderr)
	}
	var results []result
	if err := json.Unmarshal(out, &results); err != nil {
		t.Fatalf("user process: %v: %q", err, out)
	}
	return results
}

func userMain([]string) int {
	var calls []call
	if err := json.NewDecoder(os.Stdin).Decode(&calls); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	results := make([]result, len(calls))
	for i, c := range calls {
		out, err := c.do()
		results[i].Out = out
		if err != nil {
			results[i].Errno = errnoName(err)
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(results); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func errnoName(err error) string {
	if errno, ok := err.(unix.Errno); ok {
		return unix.ErrnoName(errno)
	}
	return err.Error()
}

func (c call) do() ([]byte, error) {
	path, arg := string(c.Path), string(c.Arg)
	switch c.Op {
	case "stat":
		var st unix.Stat_t
		if err := unix.Lstat(path, &st); err != nil {
			return nil, err
		}
		return json.Marshal(st)
	case "open":
		return nil, openClose(path, unix.O_RDONLY)
	case "open-write":
		return nil, openClose(path, unix.O_WRONLY)
	case "open-create":
		return nil, openClose(path, unix.O_WRONLY|unix.O_CREAT)
	case "open-trunc":
		return nil, openClose(path, unix.O_WRONLY|unix.O_TRUNC)
	case "tmpfile":
		return nil, openClose(path, unix.O_WRONLY|unix.O_TMPFILE)
	case "access":
		return nil, unix.Access(path, unix.F_OK)
	case "readlink":
		buf := make([]byte, 8192)
		n, err := unix.Readlink(path, buf)
		return buf[:max(n, 0)], err
	case "read":
		return readAll(path)
	case "write":
		return nil, writeTo(path)
	case "mmap":
		return mapAll(path)
	case "unlink":
		return nil, unix.Unlink(path)
	case "rmdir":
		return nil, unix.Rmdir(path)
	case "mkdir":
		return nil, unix.Mkdir(path, 0o755)
	case "mknod":
		return nil, unix.Mknod(path, unix.S_IFIFO|0o644, 0)
	case "symlink":
		return nil, unix.Symlink(arg, path)
	case "link":
		return nil, unix.Link(path, arg)
	case "rename":
		return nil, unix.Rename(path, arg)
	case "chmod":
		return nil, unix.Chmod(path, 0o600)
	case "chown":
		return nil, unix.Lchown(path, 0, 0)
	case "truncate":
		return nil, unix.Truncate(path, 0)
	case "utimes":
		return nil, unix.UtimesNanoAt(unix.AT_FDCWD, path, make([]unix.Timespec, 2), 0)
	case "setxattr":
		return nil, unix.Setxattr(path, "user.a", []byte("b"), 0)
	case "getxattr":
		_, err := unix.Getxattr(path, "user.a", make([]byte, 10))
		return nil, err
	case "statfs":
		var st unix.Statfs_t
		err := unix.Statfs(path, &st)
		return []byte(fmt.Sprint(st.Namelen)), err
	case "reopen-by-handle":
		return reopenByHandle(path, arg, false)
	case "reopen-forgotten":
		return reopenByHandle(path, arg, true)
	case "forget":
		return nil, forget(path)
	case "names":
		return readNames(path)
	}
	return nil, fmt.Errorf("no call %q", c.Op)
}

func openClose(path string, flags int) error {
	fd, err := unix.Open(path, flags, 0o644)
	if err != nil {
		return err
	}
	return unix.Close(fd)
}

func readAll(path string) ([]byte, error) {
	fd, err := unix.Open(path, unix.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	var all []byte
	buf := make([]byte, 1<<16)
	for {
		n, err := unix.Read(fd, buf)
		if err != nil || n == 0 {
			return all, err
		}
		all = append(all, buf[:n]...)
	}
}

func writeTo(path string) error {
	fd, err := unix.Open(path, unix.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	_, err = unix.Write(fd, []byte("changed"))
	return err
}

func mapAll(path string) ([]byte, error) {
	fd, err := unix.Open(path, unix.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, err
	}
	mapping, err := unix.Mmap(fd, 0, int(st.Size), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, err
	}
	defer unix.Munmap(mapping)
	return bytes.Clone(mapping), nil
}

// reopenByHandle returns the inode number of what the handle of path finds, after the kernel has forgotten path if asked for.
func reopenByHandle(path, mount string, forgotten bool) ([]byte, error) {
	handle, _, err := unix.NameToHandleAt(unix.AT_FDCWD, path, 0)
	if err != nil {
		return nil, err
	}
	if forgotten {
		if err := forget(mount); err != nil {
			return nil, err
		}
	}
	root, err := unix.Open(mount, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(root)
	fd, err := unix.OpenByHandleAt(root, handle, unix.O_PATH)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	err = unix.Fstat(fd, &st)
	return []byte(uitoa(st.Ino)), err
}

// forget makes the kernel drop all names and inodes of a mount that are not in use (kernel: reconfigure_super).
func forget(mount string) error {
	fd, err := unix.Fspick(unix.AT_FDCWD, mount, unix.FSPICK_CLOEXEC)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return unix.FsconfigReconfigure(fd)
}

func uitoa(n uint64) string { return strconv.FormatUint(n, 10) }

// readNames returns the directory's names, "." and ".." too, each as "inode type name" and a NUL.
func readNames(path string) ([]byte, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	var out bytes.Buffer
	buf := make([]byte, 32<<10)
	for {
		n, err := unix.Getdents(fd, buf)
		if err != nil || n == 0 {
			return out.Bytes(), err
		}
		for rest := buf[:n]; len(rest) > 0; {
			ino, length := binary.NativeEndian.Uint64(rest), binary.NativeEndian.Uint16(rest[16:])
			name, _, _ := strings.Cut(string(rest[19:length]), "\x00")
			fmt.Fprintf(&out, "%d %d %s\x00", ino, rest[18], name)
			rest = rest[length:]
		}
	}
}

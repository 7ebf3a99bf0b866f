package staging

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// mute is a filesystem that has a root directory and never says how much room there is, which overlayfs asks while it is created.
type mute struct {
	fuse.RawFileSystem
	asked chan struct{}
}

func (mute) GetAttr(_ <-chan struct{}, _ *fuse.GetAttrIn, out *fuse.AttrOut) fuse.Status {
	out.Ino, out.Mode, out.Nlink = 1, unix.S_IFDIR|0o755, 2
	return fuse.OK
}

func (m mute) StatFs(<-chan struct{}, *fuse.InHeader, *fuse.StatfsOut) fuse.Status {
	close(m.asked)
	select {}
}

// A daemon that is killed while the kernel makes its overlay is gone at once. What stayed would be a thread that can't be
// killed, and a superblock for which sync(1) waits.
func TestKilledWhileCreating(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("mounting needs root")
	}
	if !again(t, mountNamespace()) {
		return
	}
	for range 5 {
		cmd := exec.Command("/proc/self/exe", "do-create", t.TempDir())
		cmd.Env, cmd.Stderr = environment(), os.Stderr
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		out, err := cmd.StdoutPipe()
		must(t, err)
		must(t, cmd.Start())
		line, err := bufio.NewReader(out).ReadString('\n')
		if err != nil {
			t.Fatalf("the overlay did not ask: %v, %v", err, cmd.Wait())
		}
		time.Sleep(20 * time.Millisecond) // the thread that asked has gone to sleep
		must(t, cmd.Process.Kill())
		gone := make(chan error, 1)
		go func() { gone <- cmd.Wait() }()
		select {
		case <-gone:
		case <-time.After(5 * time.Second):
			abort(t, strings.TrimSpace(line))
			<-gone
			t.Fatal("it could not be killed")
		}
	}
}

// abort ends a FUSE connection by force, so that nothing is left of a test that failed.
func abort(t *testing.T, connection string) {
	t.Helper()
	dir := t.TempDir()
	must(t, unix.Mount("fusectl", dir, "fusectl", 0, ""))
	defer unix.Unmount(dir, unix.MNT_DETACH)
	must(t, os.WriteFile(filepath.Join(dir, connection, "abort"), []byte("1"), 0))
}

// createOnMute makes an overlay on such a filesystem, and prints its connection's number when it hangs.
func createOnMute(args []string) error {
	return inPrivateNamespace(func() error {
		r := Request{Source: "test", Logger: slog.New(slog.DiscardHandler)}
		dirs := &layerDirs{}
		for name, dir := range map[string]**os.File{"upper": &dirs.upper, "work": &dirs.work} {
			path := filepath.Join(args[0], name)
			if err := os.Mkdir(path, 0o755); err != nil {
				return err
			}
			fd, err := unix.Open(path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
			if err != nil {
				return err
			}
			*dir = os.NewFile(uintptr(fd), path)
		}
		fs := mute{fuse.NewDefaultRawFileSystem(), make(chan struct{})}
		mount, server, dev, err := mountFUSE(fs, &fuse.MountOptions{MaxWrite: 1 << 20}, r.Source, unlabelled, unix.MOUNT_ATTR_RDONLY)
		if err != nil {
			return err
		}
		var st unix.Statx_t
		if err := unix.Statx(int(mount.Fd()), "", unix.AT_EMPTY_PATH|unix.AT_STATX_DONT_SYNC, unix.STATX_TYPE, &st); err != nil {
			return err
		}
		go func() {
			<-fs.asked
			_, _ = io.WriteString(os.Stdout, fmt.Sprintln(st.Dev_minor))
		}()
		_, _, err = overlayOnView(&layers{view: mount, servers: []*fuse.Server{server}, devs: []int{dev}}, dirs, r)
		return fmt.Errorf("it did not hang: %w", err)
	})
}

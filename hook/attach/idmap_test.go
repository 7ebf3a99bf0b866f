package attach

import (
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/fsd/rundir"
)

const firstSubID = 100_000

// mapUser starts a process in a user namespace where 0..65535 are firstSubID.. outside, and opens that namespace.
func mapUser(t *testing.T) *os.File {
	t.Helper()
	ids := []syscall.SysProcIDMap{{ContainerID: 0, HostID: firstSubID, Size: 65536}}
	cmd := exec.Command("sleep", "60")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: ids, GidMappings: ids}
	must(t, cmd.Start())
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	f, err := os.Open("/proc/" + strconv.Itoa(cmd.Process.Pid) + "/ns/user")
	must(t, err)
	t.Cleanup(func() { f.Close() })
	return f
}

// On an idmapped root filesystem, as engines use for user namespaces without chown, the host's root has no number.
func TestIDMappedRootfs(t *testing.T) {
	rootfs := t.TempDir()
	c := newContainer(t, rootfs, "private", bindRootfs)
	userns := mapUser(t)
	in, err := enter(c.pid)
	must(t, err)
	err = in.do(func() error {
		tree, err := unix.OpenTree(unix.AT_FDCWD, rootfs, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
		if err != nil {
			return err
		}
		defer unix.Close(tree)
		attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_IDMAP, Userns_fd: uint64(userns.Fd())}
		if err := unix.MountSetattr(tree, "", unix.AT_EMPTY_PATH, &attr); err != nil {
			return err
		}
		return unix.MoveMount(tree, "", unix.AT_FDCWD, rootfs, unix.MOVE_MOUNT_F_EMPTY_PATH)
	})
	in.end()
	if err != nil {
		t.Skipf("this filesystem has no idmapped mounts: %v", err)
	}
	r := c.request("/data/a/b")
	r.Root, r.Marker = rundir.Owner{UID: firstSubID, GID: firstSubID}, true
	a, err := attachTo(t, r)
	must(t, err)
	if _, err := os.Stat(c.inside("data/a/b/hello")); err != nil {
		t.Error(err)
	}
	var st unix.Stat_t
	must(t, unix.Stat(c.inside("data"), &st))
	if st.Uid != firstSubID || st.Mode&0o777 != dirMode {
		t.Errorf("data belongs to %d with mode %o", st.Uid, st.Mode)
	}
	must(t, unix.Stat(c.inside(Marker), &st))
	if st.Uid != firstSubID || st.Mode&0o777 != markerMode {
		t.Errorf("%s belongs to %d with mode %o", Marker, st.Uid, st.Mode)
	}
	c.stop()
	must(t, Remove(a))
	if got := names(t, rootfs); len(got) != 0 {
		t.Errorf("left behind: %q", got)
	}
}

// A container in a user namespace of its own, with plain files on disk that belong to its root.
func TestMadeDirectoriesBelongToTheContainersRoot(t *testing.T) {
	rootfs := t.TempDir()
	c := newContainer(t, rootfs, "private", bindRootfs)
	r := c.request("/data/a/b")
	r.Root = rundir.Owner{UID: firstSubID, GID: firstSubID + 1}
	_, err := attachTo(t, r)
	must(t, err)
	var st unix.Stat_t
	must(t, unix.Stat(rootfs+"/data/a", &st))
	if st.Uid != firstSubID || st.Gid != firstSubID+1 || st.Mode&0o777 != dirMode {
		t.Errorf("data/a belongs to %d:%d with mode %o", st.Uid, st.Gid, st.Mode)
	}
}

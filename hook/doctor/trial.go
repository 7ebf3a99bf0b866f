package doctor

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// trials is what a process in namespaces of its own tried. Each is "" where it worked, else the cause; what is not there
// was not tried.
type trials struct {
	MountAPI     string `json:"mount_api"`
	Fuse         string `json:"fuse"`
	Passthrough  bool   `json:"passthrough"`
	Overlay      string `json:"overlay"`
	StateOverlay string `json:"state_overlay"`
}

// Try is the process that Options.Trial names. It must have a mount namespace to itself, in which it mounts what casview
// mounts; all of it goes with the process. dir is an empty directory on the filesystem of the state directory, or "". The
// outcome goes to out.
func Try(dir string, out io.Writer) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SLAVE, ""); err != nil {
		return fmt.Errorf("keep mounts from the host: %w", err)
	}
	userXattr, err := inUserNamespace()
	if err != nil {
		return err
	}
	var t trials
	t.MountAPI = text(tryMountAPI())
	t.Passthrough, err = tryFuse()
	t.Fuse = text(err)
	t.Overlay = text(tryOverlayOnTmpfs(userXattr))
	if dir != "" {
		t.StateOverlay = text(tryOverlay(dir, userXattr))
	}
	return json.NewEncoder(out).Encode(t)
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// tryMountAPI does with a tmpfs what the hook and the daemon do with a view: make it detached, clone it, attach it.
func tryMountAPI() error {
	fd, err := unix.Fsopen("tmpfs", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return fmt.Errorf("fsopen: %w", err)
	}
	defer unix.Close(fd)
	if err := unix.FsconfigCreate(fd); err != nil {
		return fmt.Errorf("fsconfig: %w", err)
	}
	mount, err := unix.Fsmount(fd, unix.FSMOUNT_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("fsmount: %w", err)
	}
	defer unix.Close(mount)
	if err := unix.MoveMount(mount, "", unix.AT_FDCWD, "/proc", unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
		return fmt.Errorf("move_mount: %w", err)
	}
	clone, err := unix.OpenTree(unix.AT_FDCWD, "/proc", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err == nil {
		unix.Close(clone)
	} else {
		err = fmt.Errorf("open_tree: %w", err)
	}
	return errors.Join(err, unix.Unmount("/proc", unix.MNT_DETACH))
}

// Positions and bits of the kernel's first request, struct fuse_init_in (linux/fuse.h): flags at 12, flags2 at 16.
const (
	fuseHeader      = 40
	fuseInitExt     = 1 << 30
	fusePassthrough = 1 << (37 - 32)
)

// tryFuse mounts a FUSE filesystem that nobody serves, and reads from the kernel's first request whether it offers
// passthrough.
func tryFuse() (passthrough bool, err error) {
	dev, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return false, fmt.Errorf("open /dev/fuse: %w", err)
	}
	defer unix.Close(dev)
	fd, err := unix.Fsopen("fuse", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return false, fmt.Errorf("fsopen: %w", err)
	}
	defer unix.Close(fd)
	for _, o := range [][2]string{{"fd", strconv.Itoa(dev)}, {"rootmode", "40000"}, {"user_id", "0"},
		{"group_id", "0"}} {
		if err := unix.FsconfigSetString(fd, o[0], o[1]); err != nil {
			return false, fmt.Errorf("fsconfig %s: %w", o[0], err)
		}
	}
	if err := unix.FsconfigCreate(fd); err != nil {
		return false, fmt.Errorf("mount: %w", err)
	}
	return offersPassthrough(dev)
}

func offersPassthrough(dev int) (bool, error) {
	ready := []unix.PollFd{{Fd: int32(dev), Events: unix.POLLIN}}
	if n, err := unix.Poll(ready, 2000); err != nil || n == 0 {
		return false, fmt.Errorf("the kernel sent no request (%w)", err)
	}
	buf := make([]byte, 1<<20) // the kernel refuses a smaller buffer than its largest request
	n, err := unix.Read(dev, buf)
	if err != nil {
		return false, fmt.Errorf("read the first request: %w", err)
	}
	if n < fuseHeader+20 {
		return false, nil // before flags2 there was no passthrough
	}
	flags := binary.NativeEndian.Uint32(buf[fuseHeader+12:])
	flags2 := binary.NativeEndian.Uint32(buf[fuseHeader+16:])
	return flags&fuseInitExt != 0 && flags2&fusePassthrough != 0, nil
}

func tryOverlayOnTmpfs(userXattr bool) error {
	const place = "/proc" // every host has it, and this process needs it no more than for a moment
	if err := unix.Mount("tmpfs", place, "tmpfs", 0, ""); err != nil {
		return fmt.Errorf("mount a tmpfs: %w", err)
	}
	return errors.Join(tryOverlay(place, userXattr), unix.Unmount(place, unix.MNT_DETACH))
}

// tryOverlay makes an overlay with the options of the overlay driver in an empty directory, and lets it write there what
// collection depends on: a file and a whiteout. The directory is empty again in the end.
func tryOverlay(dir string, userXattr bool) (err error) {
	// Relative paths need no escapes in mount options.
	if err := os.Chdir(dir); err != nil {
		return err
	}
	names := []string{"lower", "upper", "work", "merged"}
	defer func() {
		for _, name := range names {
			err = errors.Join(err, os.RemoveAll(name))
		}
		err = errors.Join(err, os.Chdir("/"))
	}()
	for _, name := range names {
		if err := os.Mkdir(name, 0o700); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join("lower", "input"), nil, 0o600); err != nil {
		return err
	}
	options := "lowerdir=lower,upperdir=upper,workdir=work,xino=on,metacopy=off,index=off,volatile,"
	if userXattr {
		options += "userxattr"
	} else {
		options += "redirect_dir=on"
	}
	if err := unix.Mount("overlay", "merged", "overlay", unix.MS_NOSUID|unix.MS_NODEV, options); err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	return errors.Join(writeToOverlay(), unix.Unmount("merged", 0))
}

func writeToOverlay() error {
	if err := os.WriteFile(filepath.Join("merged", "output"), []byte("output"), 0o600); err != nil {
		return err
	}
	return os.Remove(filepath.Join("merged", "input"))
}

// firstUserNamespace is the inode number of the user namespace that the host starts with (kernel: PROC_USER_INIT_INO).
const firstUserNamespace = 0xEFFFFFFD

func inUserNamespace() (bool, error) {
	const own = "/proc/self/ns/user"
	var st unix.Stat_t
	if err := unix.Stat(own, &st); err != nil {
		return false, fmt.Errorf("%s: %w", own, err)
	}
	return st.Ino != firstUserNamespace, nil
}

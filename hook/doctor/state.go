package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

const whyState = "Store and runs are there. Without it no run can be made, and no container starts."

// place is the state directory, or where it would be made: its nearest parent that is there.
func (d *doctor) place() (dir string, there bool) { return placeOf(d.config.State) }

func placeOf(state string) (dir string, there bool) {
	for dir = state; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			return dir, dir == state
		}
		if dir == "/" || dir == "." {
			return dir, false
		}
	}
}

// trialDir makes a directory on the state directory's filesystem, to be removed in the end.
func (d *doctor) trialDir() (dir string, remove func(), err error) {
	place, _ := d.place()
	dir, err = os.MkdirTemp(place, ".casview-doctor-")
	if err != nil {
		return "", func() {}, err
	}
	return dir, func() { os.RemoveAll(dir) }, nil
}

// state looks at the state directory and the filesystem below it.
func (d *doctor) state(l *list, o outcome) {
	place, usable := d.stateDirectory(l)
	if !usable {
		for _, id := range []ID{StateFilesystem, StateOneFilesystem, StateOverlay, StateReflink, StateRoom} {
			l.skip(id, "the state directory can't be used")
		}
		return
	}
	d.stateFilesystem(l, place)
	d.oneFilesystem(l)
	d.stateOverlay(l, o)
	reflink(l, place)
	d.room(l, place)
}

func (d *doctor) stateDirectory(l *list) (place string, usable bool) {
	place, there := d.place()
	user := d.uid
	info, err := os.Stat(place)
	switch {
	case err != nil:
		l.broken(StateDirectory, err.Error(), whyState, "set state in "+d.configFile()+" to a directory of this user's")
		return place, false
	case !info.IsDir():
		l.broken(StateDirectory, place+": is not a directory", whyState, "set state in "+d.configFile()+" to another path")
		return place, false
	}
	// The effective user's rights: read-only mounts count as well.
	if err := unix.Faccessat(unix.AT_FDCWD, place, unix.W_OK|unix.X_OK, unix.AT_EACCESS); err != nil {
		switch {
		case errors.Is(err, unix.EROFS):
			l.broken(StateDirectory, fmt.Sprintf("%s: user %d can't write there: %v", place, user, err), whyState,
				d.sudo("mount -o remount,rw --target "+quote(place)))
		case there:
			l.broken(StateDirectory, fmt.Sprintf("%s: user %d can't write there: %v", place, user, err), whyState,
				d.sudo(fmt.Sprintf("chown -R %d:%d %s", user, os.Getegid(), quote(place))))
		default:
			l.broken(StateDirectory,
				fmt.Sprintf("%s: is missing, and user %d can't make it: %s: %v", d.config.State, user, place, err),
				whyState,
				d.sudo(fmt.Sprintf("install -d -m 0700 -o %d -g %d %s", user, os.Getegid(), quote(d.config.State))))
		}
		return place, false
	}
	what := d.config.State + " can be written to"
	if !there {
		what = d.config.State + " will be made when it is first needed"
	}
	l.ok(StateDirectory, what)
	return place, true
}

// Filesystems on which state is not at home: statfs(2).
func (d *doctor) stateFilesystem(l *list, place string) {
	var st unix.Statfs_t
	if err := unix.Statfs(place, &st); err != nil {
		l.skip(StateFilesystem, err.Error())
		return
	}
	elsewhere := "set state in " + d.configFile() + " to a directory on a local ext4, xfs or btrfs"
	switch uint32(st.Type) {
	case unix.TMPFS_MAGIC, unix.RAMFS_MAGIC:
		l.degraded(StateFilesystem, place+" is in memory (tmpfs)",
			"Store and results are lost when the host restarts.", elsewhere)
	case unix.NFS_SUPER_MAGIC, unix.SMB_SUPER_MAGIC, unix.CIFS_SUPER_MAGIC, unix.SMB2_SUPER_MAGIC, unix.V9FS_MAGIC,
		unix.CEPH_SUPER_MAGIC:
		l.degraded(StateFilesystem, place+" is on a network filesystem",
			"overlayfs can't keep writes there, so that jobs take the slower fuse driver, and syncing a result is slow.", elsewhere)
	case unix.OVERLAYFS_SUPER_MAGIC:
		l.degraded(StateFilesystem, place+" is itself on overlayfs, as inside of most containers",
			"overlayfs can't keep writes there, so that jobs take the slower fuse driver.", elsewhere+", or mount a volume there")
	default:
		l.ok(StateFilesystem, "the state directory is on "+filesystemName(uint32(st.Type)))
	}
}

func filesystemName(magic uint32) string {
	names := map[uint32]string{
		unix.EXT4_SUPER_MAGIC: "ext4", unix.XFS_SUPER_MAGIC: "xfs", unix.BTRFS_SUPER_MAGIC: "btrfs", unix.F2FS_SUPER_MAGIC: "f2fs",
		0x2fc12fc1: "zfs", unix.FUSE_SUPER_MAGIC: "a FUSE filesystem",
	}
	if name := names[magic]; name != "" {
		return name
	}
	return fmt.Sprintf("a filesystem of type %#x", magic)
}

// oneFilesystem compares mounts, not devices: a link across a bind mount of one filesystem fails as well.
func (d *doctor) oneFilesystem(l *list) {
	store, runs := filepath.Join(d.config.State, "store"), filepath.Join(d.config.State, "runs")
	a, errA := mountOf(store)
	b, errB := mountOf(runs)
	switch {
	case errors.Is(errA, fs.ErrNotExist) || errors.Is(errB, fs.ErrNotExist):
		l.ok(StateOneFilesystem, "store and runs will be on one filesystem")
	case errA != nil || errB != nil:
		l.skip(StateOneFilesystem, errors.Join(errA, errB).Error())
	case a != b:
		l.degraded(StateOneFilesystem, store+" and "+runs+" are on different mounts",
			"Outputs can't move into the store, each is copied.", "mount one filesystem at "+quote(d.config.State)+" instead of one below it")
	default:
		l.ok(StateOneFilesystem, "store and runs are on one filesystem")
	}
}

func mountOf(path string) (uint64, error) {
	var st unix.Statx_t
	if err := unix.Statx(unix.AT_FDCWD, path, 0, unix.STATX_MNT_ID, &st); err != nil {
		return 0, &fs.PathError{Op: "statx", Path: path, Err: err}
	}
	return st.Mnt_id, nil
}

const whyOverlay = "Jobs take the fuse driver, which asks the daemon for each new file; overlay writes at the disk's speed."

func (d *doctor) stateOverlay(l *list, o outcome) {
	driver := d.config.Staging.Driver
	switch {
	case driver == "fuse":
		l.skip(StateOverlay, `staging.driver is "fuse": none is needed`)
	case o.own == nil:
		l.skip(StateOverlay, fmt.Sprintf("could not be tried: %v", o.err))
	case o.noDir != nil:
		l.skip(StateOverlay, fmt.Sprintf("could not be tried: %v", o.noDir))
	case o.own.StateOverlay == "":
		l.ok(StateOverlay, "overlayfs can keep a job's writes in the state directory")
	case driver == "overlay":
		l.broken(StateOverlay, "overlayfs over the state directory: "+o.own.StateOverlay,
			`staging.driver is "overlay", so that no container starts.`, `set driver = "auto" below [staging] in `+d.configFile())
	default:
		l.degraded(StateOverlay, "overlayfs over the state directory: "+o.own.StateOverlay, whyOverlay,
			"set state in "+d.configFile()+" to a directory on a local ext4, xfs or btrfs")
	}
}

// reflink tries with files that have no name, which are gone when they are closed.
func reflink(l *list, place string) {
	var files [2]int
	for i := range files {
		fd, err := unix.Open(place, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
		if err != nil {
			l.skip(StateReflink, fmt.Sprintf("%s: a file without a name: %v", place, err))
			return
		}
		defer unix.Close(fd)
		files[i] = fd
	}
	if _, err := unix.Write(files[0], make([]byte, 1<<16)); err != nil {
		l.skip(StateReflink, fmt.Sprintf("%s: write: %v", place, err))
		return
	}
	if err := unix.IoctlFileClone(files[1], files[0]); err != nil {
		l.ok(StateReflink, "no reflinks there: outputs move into the store all the same, casview materialize copies")
		return
	}
	l.ok(StateReflink, "reflinks work: casview materialize copies no bytes on this filesystem")
}

// What is little: a run reserves 64 KiB for its result, and each output needs an inode.
const (
	littleBytes, noBytes   = 1 << 30, 1 << 20
	littleInodes, noInodes = 10000, 16
)

func (d *doctor) room(l *list, place string) {
	const why = "When it is full, outputs are lost until there is room and casview-fsd collect RUN is called."
	mend := fmt.Sprintf("casview gc --keep-results 720h   # removes results of more than 30 days; or set state in %s to a larger filesystem than that of %s",
		d.configFile(), quote(place))
	var st unix.Statfs_t
	if err := unix.Statfs(place, &st); err != nil {
		l.skip(StateRoom, err.Error())
		return
	}
	free := st.Bavail * uint64(st.Bsize)
	// A filesystem without a fixed number of inodes, as btrfs, says 0 of 0.
	inodes, counted := st.Ffree, st.Files > 0
	what := fmt.Sprintf("%d MiB free", free>>20)
	if counted {
		what += fmt.Sprintf(", %d inodes free", inodes)
	}
	switch {
	case free < noBytes || counted && inodes < noInodes:
		l.broken(StateRoom, place+": "+what, why, mend)
	case free < littleBytes || counted && inodes < littleInodes:
		l.degraded(StateRoom, place+": "+what, why, mend)
	default:
		l.ok(StateRoom, what)
	}
}

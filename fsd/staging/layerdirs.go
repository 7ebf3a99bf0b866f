package staging

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// layerDirs are upper and work, opened in the mount namespace that overlayfs will look at.
type layerDirs struct {
	upper, work *os.File
	made        []string // outermost first
}

// makeDirs creates upper and work. On error they are gone again.
func makeDirs(r Request) (_ *layerDirs, err error) {
	d := &layerDirs{}
	defer func() {
		if err != nil {
			d.close()
			d.remove()
		}
	}()
	if err := d.make(filepath.Dir(r.Upper)); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	for _, dir := range []string{r.Upper, r.Work} {
		if err := d.make(dir); err != nil {
			return nil, err
		}
	}
	if err := likeRoot(r); err != nil {
		return nil, err
	}
	if d.upper, err = openDir(r.Upper); err != nil {
		return nil, err
	}
	d.work, err = openDir(r.Work)
	return d, err
}

func (d *layerDirs) make(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	d.made = append(d.made, dir)
	return nil
}

func (d *layerDirs) close() {
	for _, f := range []*os.File{d.upper, d.work} {
		if f != nil {
			f.Close()
		}
	}
}

// remove takes back what makeDirs made. Overlayfs may have made directories in work; what anybody else has put anywhere
// stays.
func (d *layerDirs) remove() {
	for i := len(d.made) - 1; i >= 0; i-- {
		dir := d.made[i]
		if d.work != nil && dir == d.work.Name() {
			os.RemoveAll(dir)
			continue
		}
		os.Remove(dir)
	}
}

// likeRoot gives upper the attributes of the view's root: a merged directory shows its uppermost layer's. The owner comes
// first, since changing it clears mode bits.
func likeRoot(r Request) error {
	root := r.View.Root()
	if err := os.Chown(r.Upper, int(r.Owner.UID), int(r.Owner.GID)); err != nil {
		return err
	}
	if err := unix.Chmod(r.Upper, root.Mode); err != nil {
		return fmt.Errorf("chmod %s: %w", r.Upper, err)
	}
	// Not os.Chtimes: its nanoseconds since 1970 hold no year past 2262.
	mtime := unix.Timespec{Sec: root.MtimeSec, Nsec: int64(root.MtimeNsec)}
	if err := unix.UtimesNanoAt(unix.AT_FDCWD, r.Upper, []unix.Timespec{mtime, mtime}, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return fmt.Errorf("set the time of %s: %w", r.Upper, err)
	}
	return nil
}

func openDir(path string) (*os.File, error) {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return os.NewFile(uintptr(fd), path), nil
}

package staging

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// layerDirs are upper and work, opened in the mount namespace that overlayfs will look at.
type layerDirs struct{ upper, work *os.File }

func (d *layerDirs) close() {
	d.upper.Close()
	d.work.Close()
}

// makeDirs creates upper, work and the place where lower is mounted.
func makeDirs(r Request, lower string) (*layerDirs, error) {
	if err := os.MkdirAll(filepath.Dir(r.Upper), 0o700); err != nil {
		return nil, err
	}
	for _, dir := range []string{r.Upper, r.Work, lower} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			return nil, err
		}
	}
	if err := likeRoot(r); err != nil {
		return nil, err
	}
	upper, err := openDir(r.Upper)
	if err != nil {
		return nil, err
	}
	work, err := openDir(r.Work)
	if err != nil {
		upper.Close()
		return nil, err
	}
	return &layerDirs{upper: upper, work: work}, nil
}

// likeRoot gives upper the attributes of the view's root: a merged directory shows its uppermost layer's.
func likeRoot(r Request) error {
	root := r.View.Root()
	mtime := time.Unix(root.MtimeSec, int64(root.MtimeNsec))
	return errors.Join(
		os.Chown(r.Upper, int(r.Owner.UID), int(r.Owner.GID)),
		unix.Chmod(r.Upper, root.Mode),
		os.Chtimes(r.Upper, mtime, mtime),
	)
}

func openDir(path string) (*os.File, error) {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return os.NewFile(uintptr(fd), path), nil
}

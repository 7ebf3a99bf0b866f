package cas

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// A collector of unused blobs (cas/gc) removes them in three steps, each of which leaves the store whole:
//
//   - Condemn moves a blob that has long not been stored or kept from blobs/ to trash/. From there it can still be read, so that a
//     run which began meanwhile does not miss it.
//   - Reprieve moves it back. So does Keep, by whomever.
//   - Bury takes all of trash/ away by one rename, which is what the collector does at a moment at which no run begins.
//
// All but Reprieve are for the holder of the collector's lock.

// trashName is the directory beside blobs/ that condemned blobs are in, with the same layout.
const trashName = "trash"

// buried is how a trash directory is called in tmp/ while it is being deleted.
const buried = "buried-*"

// errCollecting says that another collector has the lock.
var errCollecting = errors.New("another collector is at work on this store")

// LockCollector makes the caller the one collector of unused blobs, until unlock. It does not wait for another one.
func (s *Local) LockCollector() (unlock func(), err error) {
	fd, err := openat(s.root, "gc.lock", unix.O_RDWR|unix.O_CREAT, 0o600)
	if err != nil {
		return nil, fmt.Errorf("store %s: gc.lock: %w", s.dir, err)
	}
	if err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = unix.Close(fd)
		if err == unix.EWOULDBLOCK {
			err = errCollecting
		}
		return nil, fmt.Errorf("store %s: %w", s.dir, err)
	}
	return func() { _ = unix.Close(fd) }, nil
}

// Unused returns the size of a blob that was neither stored nor kept since the time before, nor read just now; ok is false for
// others, and where there is none.
func (s *Local) Unused(d Digest, before time.Time) (size int64, ok bool, err error) {
	st, err := statBlob(s.blobs, d)
	if errors.Is(err, ErrNotFound) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	return st.Size, unused(&st, before), nil
}

func unused(st *unix.Stat_t, before time.Time) bool {
	// A job may have given its file any time of access, one to come too.
	return time.Unix(st.Ctim.Unix()).Before(before) && time.Since(time.Unix(st.Atim.Unix())).Abs() >= settle
}

// settle is how long a blob's last access must be past: the times of two events closer than this may be the same, as
// filesystems count them (ext4 with small inodes in seconds).
const settle = 2 * time.Second

// Condemn moves a blob that is Unused to the trash. ok is false where it is not, or was kept at this very moment: whoever
// keeps a blob sets its time of access, which a rename leaves alone, while it changes the ctime.
func (s *Local) Condemn(d Digest, before time.Time) (size int64, ok bool, err error) {
	st, err := statBlob(s.blobs, d)
	if errors.Is(err, ErrNotFound) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	if !unused(&st, before) {
		return 0, false, nil
	}
	path := trashName + "/" + blobPath(d)
	err = unix.Renameat(s.blobs, blobPath(d), s.root, path)
	if err == unix.ENOENT {
		if err = s.makeTrash(d); err == nil {
			err = unix.Renameat(s.blobs, blobPath(d), s.root, path)
		}
	}
	if err != nil {
		return 0, false, fmt.Errorf("condemn blob %s: %w", d, err)
	}
	var now unix.Stat_t
	err = unix.Fstatat(s.root, path, &now, unix.AT_SYMLINK_NOFOLLOW)
	if err == unix.ENOENT { // somebody has taken it back already
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("condemn blob %s: %w", d, err)
	}
	if now.Atim != st.Atim {
		_, _, err := s.Reprieve(d)
		return 0, false, err
	}
	return st.Size, true, nil
}

// makeTrash makes the directory that a condemned blob goes to.
func (s *Local) makeTrash(d Digest) error {
	shard := filepath.Dir(trashName + "/" + blobPath(d))
	for _, dir := range []string{trashName, filepath.Dir(shard), shard} {
		if err := mkdirat(s.root, dir); err != nil {
			return err
		}
	}
	return nil
}

// Reprieve moves a blob back from the trash, after which it is as young as one that was just stored, and returns its size. ok is
// false where it is not in the trash.
func (s *Local) Reprieve(d Digest) (size int64, ok bool, err error) {
	path := trashName + "/" + blobPath(d)
	var st unix.Stat_t
	if err := unix.Fstatat(s.root, path, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		if err == unix.ENOENT {
			return 0, false, nil
		}
		return 0, false, fmt.Errorf("reprieve blob %s: %w", d, err)
	}
	err = s.inShard(d, func(to string) error { return renameNew(s.root, path, s.blobs, to) })
	if err == unix.EEXIST { // stored anew
		err = unix.Unlinkat(s.root, path, 0)
	}
	if err == unix.ENOENT {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("reprieve blob %s: %w", d, err)
	}
	return st.Size, true, nil
}

// ReprieveAll moves everything back: what a collector has condemned that did not come to its end.
func (s *Local) ReprieveAll() error {
	fd, err := openat(s.root, trashName, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err == unix.ENOENT {
		return nil
	}
	if err != nil {
		return fmt.Errorf("store %s: trash: %w", s.dir, err)
	}
	defer unix.Close(fd)
	return eachBlob(fd, func(d Digest) error {
		_, _, err := s.Reprieve(d)
		return err
	})
}

// Bury makes all condemned blobs unreachable at once. Their room is given back by Sweep.
func (s *Local) Bury() error {
	err := unix.Renameat(s.root, trashName, s.tmp, fmt.Sprintf("%s%016x", buried[:len(buried)-1], time.Now().UnixNano()))
	if err != nil && err != unix.ENOENT {
		return fmt.Errorf("store %s: bury the trash: %w", s.dir, err)
	}
	return nil
}

// Sweep deletes what was buried, and what writers that died left on its way in: files in tmp/ that were last changed before
// the given time. It goes by path, which the lock's holder may.
func (s *Local) Sweep(before time.Time) error {
	tmp := filepath.Join(s.dir, "tmp")
	entries, err := os.ReadDir(tmp)
	if err != nil {
		return fmt.Errorf("sweep: %w", err)
	}
	var errs []error
	for _, e := range entries {
		dead, err := filepath.Match(buried, e.Name())
		if err == nil && !dead {
			dead, err = olderThan(e, before)
		}
		if err == nil && dead {
			err = os.RemoveAll(filepath.Join(tmp, e.Name()))
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// olderThan is false for a file that is gone.
func olderThan(e fs.DirEntry, before time.Time) (bool, error) {
	info, err := e.Info()
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && info.ModTime().Before(before), err
}

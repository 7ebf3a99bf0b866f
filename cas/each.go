package cas

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/cas/digest"
)

// Each calls fn for every blob of the store, of all algorithms, and ends with fn's first error. A blob that is stored or goes
// meanwhile may be among them or not. Files that no blob is called like are passed over.
func (s *Local) Each(fn func(Digest) error) error {
	return eachBlob(s.blobs, fn)
}

// eachBlob goes through a directory with the layout of blobs/.
func eachBlob(root int, fn func(Digest) error) error {
	algorithms, err := namesIn(root, ".")
	if err != nil {
		return err
	}
	for _, name := range algorithms {
		a, err := digest.ParseAlgorithm(name)
		if err != nil {
			continue
		}
		if err := eachOf(root, a, fn); err != nil {
			return err
		}
	}
	return nil
}

func eachOf(root int, a Algorithm, fn func(Digest) error) error {
	shards, err := namesIn(root, a.String())
	if err != nil {
		return err
	}
	for _, shard := range shards {
		path := a.String() + "/" + shard
		names, err := namesIn(root, path)
		if errors.Is(err, unix.ENOTDIR) {
			continue
		}
		if err != nil {
			return err
		}
		for _, name := range names {
			d, err := digest.Parse(a.String() + ":" + name)
			if err != nil || blobPath(d) != path+"/"+name {
				continue
			}
			if err := fn(d); err != nil {
				return err
			}
		}
	}
	return nil
}

// namesIn lists a directory; one that is missing is empty.
func namesIn(dir int, path string) ([]string, error) {
	fd, err := openat(dir, path, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err == unix.ENOENT {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", path, err)
	}
	f := os.NewFile(uintptr(fd), path)
	defer f.Close()
	names, err := f.Readdirnames(-1)
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("list %s: %w", path, err)
	}
	return names, nil
}

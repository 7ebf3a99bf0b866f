package tree

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/cas/digest"
)

// LargeSize is the size in bytes from which on a file is worth being passed through: see [Large].
const LargeSize = 8 << 20

// maxLarge bounds an index, which is read at each mount: that must not take longer the more inputs there are.
const maxLarge = 256

// Large is a large file of a tree. An index of them lets a view pass them through to their blobs without loading directories
// before it is mounted. It is kept in the store beside the blobs, only saves work, and is no part of the tree: a tree
// without one is the same tree.
type Large struct {
	Path string
	Entry
}

// large finds the largest files of at least so many bytes, in the order of their paths.
func (b *Builder) large(atLeast int64) []Large {
	var ids []nodeID
	for id := range b.nodes.count {
		if n := b.nodes.at(nodeID(id)); n.Kind == File && n.Size >= atLeast {
			ids = append(ids, nodeID(id))
		}
	}
	slices.SortFunc(ids, func(x, y nodeID) int {
		return cmp.Or(cmp.Compare(b.nodes.at(y).Size, b.nodes.at(x).Size), cmp.Compare(x, y))
	})
	var all []Large
	for _, id := range ids[:min(len(ids), maxLarge)] {
		all = append(all, Large{b.nodes.path(id), b.nodes.at(id).Entry})
	}
	slices.SortFunc(all, func(x, y Large) int { return strings.Compare(x.Path, y.Path) })
	return all
}

// local is a store in a directory of this host.
type local interface{ Dir() string }

func largePath(s local, root cas.Digest) string {
	return filepath.Join(s.Dir(), "large", root.Algorithm().String(), root.Hex())
}

// The index is a line with the schema and the SHA-256 of what follows: for each file its digest, size, mode, and mtime in
// seconds and nanoseconds, with a space after each, then its path, which is bytes and not text, and a zero byte.
const largeSchema = "casview.large/v1"

func encodeLarge(all []Large) []byte {
	var body bytes.Buffer
	for _, f := range all {
		fmt.Fprintf(&body, "%s %d %o %d %d %s\x00", f.Digest.Hex(), f.Size, f.Mode, f.MtimeSec, f.MtimeNsec, f.Path)
	}
	return sealLarge(body.Bytes())
}

func sealLarge(body []byte) []byte {
	return append([]byte(largeSchema+" "+cas.Sum(cas.SHA256, body).Hex()+"\n"), body...)
}

func decodeLarge(raw []byte, a cas.Algorithm) ([]Large, error) {
	header, body, _ := strings.Cut(string(raw), "\n")
	if header != largeSchema+" "+cas.Sum(cas.SHA256, []byte(body)).Hex() {
		return nil, fmt.Errorf("the index is torn, or not %s", largeSchema)
	}
	var all []Large
	for one := range strings.SplitSeq(strings.TrimSuffix(body, "\x00"), "\x00") {
		f, err := parseLarge(one, a)
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, nil
}

func parseLarge(s string, a cas.Algorithm) (Large, error) {
	fields := strings.SplitN(s, " ", 6)
	if len(fields) != 6 {
		return Large{}, fmt.Errorf("%d fields for a file", len(fields))
	}
	f := Large{Path: fields[5], Entry: Entry{Kind: File}}
	digest, err := digest.Parse(a.String() + ":" + fields[0])
	if err != nil {
		return f, err
	}
	var numbers [4]int64
	for i, base := range []int{10, 8, 10, 10} {
		if numbers[i], err = strconv.ParseInt(fields[1+i], base, 64); err != nil {
			return f, err
		}
	}
	f.Digest, f.Size, f.Mode = digest, numbers[0], uint32(numbers[1])
	f.MtimeSec, f.MtimeNsec = numbers[2], int32(numbers[3])
	return f, CheckPath(f.Path)
}

// saveLarge keeps an index, which need not be durable: after a power cut its checksum tells.
func saveLarge(s local, root cas.Digest, all []Large) error {
	path := largePath(s, root)
	if _, err := os.Lstat(path); err == nil || len(all) == 0 {
		return nil
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(encodeLarge(all))
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

// LoadLarge returns the largest files of the tree root, as far as its index tells: none where there is no index that can be
// used.
func LoadLarge(s *cas.Local, root cas.Digest) []Large {
	path := largePath(s, root)
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	all, err := decodeLarge(raw, root.Algorithm())
	if err != nil || len(all) > maxLarge {
		_ = os.Remove(path) // the next Finish makes another one
		return nil
	}
	return all
}

// DropLarge removes the indexes, written before a time, of trees that the store does not have any more, and torn ones.
func DropLarge(s *cas.Local, before time.Time) error {
	for _, a := range []cas.Algorithm{cas.SHA256, cas.BLAKE3} {
		dir := filepath.Join(s.Dir(), "large", a.String())
		entries, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("indexes of large files: %w", err)
		}
		for _, e := range entries {
			if err := dropLarge(s, a, e, before); err != nil {
				return fmt.Errorf("indexes of large files: %w", err)
			}
		}
	}
	return nil
}

func dropLarge(s *cas.Local, a cas.Algorithm, e fs.DirEntry, before time.Time) error {
	info, err := e.Info()
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.ModTime().Before(before) {
		return nil
	}
	if err != nil {
		return err
	}
	if root, err := digest.Parse(a.String() + ":" + e.Name()); err == nil {
		if _, err := s.Size(root); !errors.Is(err, cas.ErrNotFound) {
			return err
		}
	}
	err = os.Remove(filepath.Join(s.Dir(), "large", a.String(), e.Name()))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

package ingest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/casview/casview/cas/internal/beneath"
	"github.com/casview/casview/cas/tree"
	"golang.org/x/sys/unix"
)

// visible looks at the paths that the manifest lists, in its order.
func (src *source) visible(ctx context.Context, o Options, report *reporter) ([]*found, error) {
	v := &lister{source: src, report: report, parent: -1}
	defer v.forget()
	options := tree.ManifestOptions{MaxEntries: o.MaxInputs, HashOptional: true}
	err := tree.ReadManifest(o.Visible, options, func(n int, e tree.ManifestEntry) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return v.add(n, e)
	})
	return v.paths, err
}

type lister struct {
	*source
	report *reporter
	paths  []*found

	parent     int // handle of the directory used last, -1 for none: entries mostly come grouped
	parentPath string
}

func (v *lister) add(n int, e tree.ManifestEntry) error {
	if what, ok := v.inOwn(e.Path); ok {
		return fmt.Errorf("lies in %s", what)
	}
	f := &found{path: e.Path, entry: e.Entry, declared: &declaration{number: n, hash: e.Digest, size: e.Size}}
	var st unix.Stat_t
	dir, name, err := v.lstat(e.Path, &st)
	switch {
	case err == nil:
		err = v.agree(f, &st, dir, name)
	case errors.Is(err, unix.ENOENT) && e.Kind != tree.File:
		err = nil // all there is to a directory or symlink is in the manifest
	}
	if err != nil {
		return err
	}
	if !e.HasMode && dir >= 0 {
		f.entry.Mode = st.Mode & 0o7777
	}
	if !e.HasMtime && dir >= 0 {
		setMtime(&f.entry, &st)
	}
	v.paths = append(v.paths, f)
	return nil
}

// agree checks that what is there is what the manifest says.
func (v *lister) agree(f *found, st *unix.Stat_t, dir int, name string) error {
	if is := typeName(st); is != f.entry.Kind.String() {
		return fmt.Errorf("is a %s, declared as %s", is, f.entry.Kind)
	}
	switch f.entry.Kind {
	case tree.File:
		f.id = identityOf(st)
		if f.declared.size >= 0 && f.declared.size != st.Size {
			return fmt.Errorf("has %d bytes, declared as %d", st.Size, f.declared.size)
		}
		v.report.scanned(1, st.Size)
	case tree.Symlink:
		target, err := readlink(dir, name)
		if err != nil {
			return err
		}
		if target != f.entry.Target {
			return fmt.Errorf("links to %q, declared as %q", target, f.entry.Target)
		}
	}
	return nil
}

// lstat looks at path; dir and name are a handle and name to reach it by until the next call, and dir is -1 after an error.
func (v *lister) lstat(path string, st *unix.Stat_t) (dir int, name string, err error) {
	at := strings.LastIndexByte(path, '/')
	parentPath, name := path[:max(at, 0)], path[at+1:]
	if v.parent < 0 || v.parentPath != parentPath {
		v.forget()
		if v.parent, err = beneath.Open(v.fd, parentPath, unix.O_PATH|unix.O_DIRECTORY, 0); err != nil {
			v.parent = -1
			return -1, name, parentError(parentPath, err)
		}
		v.parentPath = parentPath
	}
	if err := unix.Fstatat(v.parent, name, st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return -1, name, os.NewSyscallError("stat", err)
	}
	return v.parent, name, nil
}

func parentError(parent string, err error) error {
	if err == unix.ELOOP {
		return fmt.Errorf("open parent %q: a symlink is not followed: %w", parent, err)
	}
	return fmt.Errorf("open parent %q: %w", parent, err)
}

func (v *lister) forget() {
	if v.parent >= 0 {
		_ = unix.Close(v.parent)
	}
	v.parent = -1
}

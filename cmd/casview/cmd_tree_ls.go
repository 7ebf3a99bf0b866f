package main

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/cas/digest"
	"github.com/casview/casview/cas/tree"
)

func (a *app) treeLsCmd() *cobra.Command {
	var asJSON, long, recursive bool
	cmd := &cobra.Command{
		Use:   "ls DIGEST [PATH]",
		Short: "List a tree",
		Long: `List what is in a tree, or in the directory PATH of it, one path a line.

-l adds mode, size, mtime (UTC) and digest. A name with control characters or one that
is not UTF-8 is printed as a quoted string.

With --json an input manifest (schema casview.inputs/v1), which "casview tree import"
takes: {"schema": ..., "visible": [{"path", "type", "hash", "target", "mode", "mtime_sec",
"mtime_nsec"}]}. Paths are relative to PATH. A file's hash carries its size,
"sha256:<hex>/<size>"; a path that is not UTF-8 stands as base64 in "path_bytes".`,
		Example: `  casview tree ls -l $(casview ingest .)
  casview tree ls -R --json DIGEST src | jq -r '.visible[].path'`,
		Args: args(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			root, err := digestArg(cmd, args[0])
			if err != nil {
				return err
			}
			_, s, err := a.openStore()
			if err != nil {
				return err
			}
			defer s.Close()
			w := bufio.NewWriterSize(a.out, 64<<10)
			var list lister = textLister{w: w, long: long}
			if asJSON {
				list = &manifestLister{w: w}
			}
			path := treePath(args[1:])
			if err := listTree(s, root, path, recursive, list); err != nil {
				return inTree(root, path, err)
			}
			return w.Flush()
		},
	}
	cmd.Flags().BoolVarP(&long, "long", "l", false, "add mode, size, mtime and digest")
	cmd.Flags().BoolVarP(&recursive, "recursive", "R", false, "list everything below as well")
	jsonFlag(cmd, &asJSON)
	return cmd
}

// lister prints entries. dir is the directory's own message for a Dir entry.
type lister interface {
	entry(path string, e tree.Entry, dir *tree.Directory) error
	end() error
}

func listTree(s cas.Reader, root cas.Digest, path string, recursive bool, list lister) error {
	e, err := tree.Resolve(s, root, path)
	if err != nil {
		return err
	}
	if e.Kind != tree.Dir {
		if err := list.entry(e.Name, e, nil); err != nil {
			return err
		}
		return list.end()
	}
	err = tree.Walk(s, e.Digest, func(path string, e tree.Entry, dir *tree.Directory) error {
		if path == "" {
			return nil
		}
		if err := list.entry(path, e, dir); err != nil {
			return err
		}
		if e.Kind == tree.Dir && !recursive {
			return fs.SkipDir
		}
		return nil
	})
	if err != nil {
		return err
	}
	return list.end()
}

type textLister struct {
	w    *bufio.Writer
	long bool
}

func (l textLister) entry(path string, e tree.Entry, dir *tree.Directory) error {
	name := printable(path)
	if e.Kind == tree.Dir {
		name += "/"
	}
	if !l.long {
		_, err := fmt.Fprintln(l.w, name)
		return err
	}
	mode, sec, nsec := e.Mode, e.MtimeSec, e.MtimeNsec
	if dir != nil {
		mode, sec, nsec = dir.Mode, dir.MtimeSec, dir.MtimeNsec
	}
	digest := e.Digest.String()
	if e.Kind == tree.Symlink {
		digest, name = "-", name+" -> "+printable(e.Target)
	}
	_, err := fmt.Fprintf(l.w, "%s %12d %s %s %s\n", fileMode(e.Kind, mode), e.Size,
		time.Unix(sec, int64(nsec)).UTC().Format("2006-01-02T15:04:05.000000000Z"), digest, name)
	return err
}

func (l textLister) end() error { return nil }

// printable keeps one path on one line, and a terminal as it is.
func printable(path string) string {
	if utf8.ValidString(path) && !strings.ContainsFunc(path, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return path
	}
	return strconv.Quote(path)
}

func fileMode(k tree.Kind, mode uint32) fs.FileMode {
	m := fs.FileMode(mode & 0o777)
	for bit, flag := range map[uint32]fs.FileMode{0o4000: fs.ModeSetuid, 0o2000: fs.ModeSetgid, 0o1000: fs.ModeSticky} {
		if mode&bit != 0 {
			m |= flag
		}
	}
	switch k {
	case tree.Dir:
		m |= fs.ModeDir
	case tree.Symlink:
		m |= fs.ModeSymlink
	}
	return m
}

// digestArg reads a digest given on the command line.
func digestArg(cmd *cobra.Command, s string) (cas.Digest, error) {
	d, _, err := digest.ParseSize(s)
	if err != nil {
		return d, usagef(cmd, "%v", err)
	}
	return d, nil
}

// treePath is the optional PATH argument, with the slashes that people and tab completion add.
func treePath(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return strings.TrimPrefix(strings.Trim(args[0], "/"), "./")
}

// inTree says which path of which tree an error is about.
func inTree(root cas.Digest, path string, err error) error {
	switch {
	case errors.Is(err, cas.ErrNotFound):
		return fmt.Errorf("tree %s: %w: casview ingest or casview tree import puts it there", root, err)
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("tree %s: no path %q", root, path)
	}
	return fmt.Errorf("tree %s: %w", root, err)
}

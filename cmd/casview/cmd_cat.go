package main

import (
	"bufio"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/cas/digest"
	"github.com/casview/casview/cas/tree"
)

func (a *app) catCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "cat DIGEST PATH",
		Short: "Print a file of a tree",
		Long: `Print the content of the file at PATH in the tree DIGEST. The bytes are verified while
they are printed: damage in the store is an error, after the damaged bytes.`,
		Example: `  casview cat $(casview ingest .) src/main.c`,
		Args:    args(2, 2),
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
			path := treePath(args[1:])
			e, err := tree.Resolve(s, root, path)
			if err != nil {
				return inTree(root, path, err)
			}
			switch e.Kind {
			case tree.Dir:
				return fmt.Errorf("%q is a directory: see casview tree ls", path)
			case tree.Symlink:
				return fmt.Errorf("%q is a symlink to %q", path, e.Target)
			}
			if err := copyVerified(a.out, s, e.Digest); err != nil {
				return fmt.Errorf("%q: %w", path, err)
			}
			return nil
		},
	}
}

func copyVerified(w io.Writer, s cas.Reader, d cas.Digest) error {
	f, err := s.Open(d)
	if err != nil {
		return err
	}
	defer f.Close()
	hash := cas.NewHash(d.Algorithm())
	if _, err := io.Copy(io.MultiWriter(w, hash), bufio.NewReaderSize(f, 1<<20)); err != nil {
		return err
	}
	got, err := digest.New(d.Algorithm(), hash.Sum(nil))
	if err != nil {
		return err
	}
	if got != d {
		return fmt.Errorf("blob %s: %w", d, cas.ErrCorrupt)
	}
	return nil
}

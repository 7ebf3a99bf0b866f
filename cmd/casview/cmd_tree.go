package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/casview/casview/cas/tree"
)

func (a *app) treeCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "tree",
		Short: "Make trees from manifests, and look into them",
	}
	cmd.AddCommand(a.treeImportCmd(), a.treeLsCmd())
	return group(cmd)
}

func (a *app) treeImportCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "import FILE",
		Short: "Make a tree from an input manifest and print its root digest",
		Long: `Make a tree from an input manifest (schema casview.inputs/v1) and print its root
digest. The contents of all files must be in the store already. FILE "-" is stdin.`,
		Example: `  root=$(casview tree import inputs.json)
  casview tree ls -R --json DIGEST | casview tree import -`,
		Args: args(1, 1),
		RunE: func(_ *cobra.Command, args []string) error {
			c, s, err := a.openStore()
			if err != nil {
				return err
			}
			defer s.Close()
			in, name, err := a.openInput(args[0])
			if err != nil {
				return err
			}
			defer in.Close()
			root, _, err := tree.ImportManifest(in, s, c.Policy.MaxInputs)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			if err := s.Sync(); err != nil {
				return err
			}
			_, err = fmt.Fprintln(a.out, root)
			return err
		},
	}
}

// openInput opens a file for reading; "-" is stdin. name is for messages.
func (a *app) openInput(path string) (in io.ReadCloser, name string, err error) {
	if path == "-" {
		return io.NopCloser(a.in), "stdin", nil
	}
	f, err := os.Open(path)
	return f, path, err
}

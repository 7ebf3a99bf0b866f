package collect

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/fsd/result"
	"github.com/casview/casview/fsd/rundir"
)

// Staged is what a run would leave if it ended now.
type Staged struct {
	// Files are the entries of hashed_files before anything is hashed: a file has StagingPath, its place on this host,
	// instead of Hash. An input that stands at a new path because its directory was renamed has its Hash and no
	// StagingPath.
	Files                                     result.Files
	ModifiedInputs, DeletedInputs, Undeclared []result.Path
	// Errors are single paths that could not be looked at.
	Errors []string
}

// Stage looks into the staging tree of a live run, or of one that is not collected. It reads no file and changes nothing.
// In a live run entries may be gone or changed when it returns.
func Stage(ctx context.Context, d *rundir.Dir, s cas.Reader) (*Staged, error) {
	c := &collection{run: d, spec: d.Spec()}
	if err := c.openStaging(); err != nil {
		return nil, fmt.Errorf("staged files: %w", err)
	}
	defer c.close()
	out := &Staged{Errors: c.errs}
	if c.root == nil {
		return out, nil
	}
	w := walker{root: c.root, in: &inputs{store: s, root: c.spec.InputsRoot, most: c.spec.MaxInputs}, xattrs: c.xattrs, live: true}
	found, err := w.walk(ctx)
	if err != nil {
		return nil, fmt.Errorf("staged files: %w", err)
	}
	for _, p := range found.problems {
		out.Errors = append(out.Errors, p.String())
	}
	picked := globs(c.spec.Outputs).pick(found)
	for _, o := range picked.outputs {
		if o.isStaged() && (o.Kind == result.File || o.Kind == result.Hardlink) {
			o.StagingPath = filepath.Join(d.UpperPath(), o.Path)
		}
		out.Files = append(out.Files, o.Entry)
	}
	out.ModifiedInputs, out.DeletedInputs = paths(found.modified), paths(found.deleted)
	out.Undeclared = paths(picked.undeclared)
	return out, nil
}

package collect

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"

	"github.com/casview/casview/fsd/result"
	"github.com/casview/casview/fsd/trace"
)

// examine walks the staging tree and reads the trace. After it c.outputs lists everything that is to be in the result.
func (c *collection) examine(ctx context.Context) error {
	found := &findings{made: map[string]struct{}{}}
	if c.root != nil {
		c.ahead.store = c.store
		w := walker{root: c.root, in: &inputs{store: c.store, root: c.spec.InputsRoot, most: c.spec.MaxInputs}, xattrs: c.xattrs,
			live: c.o.Keep, seen: c.ahead.staged}
		var err error
		if found, err = w.walk(ctx); err != nil {
			return err
		}
	}
	for _, p := range found.problems {
		c.lose(p.path, p.err)
	}
	wanted := globs(c.spec.Outputs)
	if err := wanted.check(); err != nil {
		c.complain(err.Error())
	}
	picked := wanted.pick(found)
	c.outputs = picked.outputs
	c.res.ModifiedInputs, c.res.DeletedInputs = paths(found.modified), paths(found.deleted)
	c.res.Undeclared = paths(picked.undeclared)
	c.skip(picked.special)
	c.trace(found.made)
	c.resume()
	c.loseTorn()
	c.log.Debug("staging tree walked", "outputs", len(c.outputs), "undeclared", len(picked.undeclared),
		"modified", len(found.modified), "deleted", len(found.deleted))
	return nil
}

// loseTorn leaves out the files of which not all data has reached the staging tree. What is there stays there, since the
// result is not complete.
func (c *collection) loseTorn() {
	byID := map[fileID]string{}
	for _, t := range c.torn {
		if id := (fileID{dev: t.Dev, ino: t.Ino}); id != (fileID{}) {
			byID[id] = t.Cause
		} else {
			c.lose(string(t.Path), errors.New(tornFile+t.Cause))
		}
	}
	c.outputs = slices.DeleteFunc(c.outputs, func(o output) bool {
		cause, torn := byID[o.staged.id]
		torn = torn && o.isStaged()
		if torn {
			c.lose(o.Path, errors.New(tornFile+cause))
		}
		return torn
	})
}

const tornFile = "what the job wrote could not all be staged: "

// skip lists what can't be stored.
func (c *collection) skip(list []special) {
	slices.SortFunc(list, func(a, b special) int { return strings.Compare(a.path, b.path) })
	for _, s := range list {
		c.res.Skipped = append(c.res.Skipped, result.Skipped{Path: result.Path(s.path), Type: s.kind, Reason: "not a storable type"})
		if c.spec.SpecialFiles == "fail" {
			c.complain(problem{path: s.path, err: errors.New(s.kind + `: not allowed by special_files = "fail"`)}.String())
		}
	}
}

// trace fills in what the job read. Paths that it made itself are left out: it asked for them before they were there.
func (c *collection) trace(made map[string]struct{}) {
	t, err := c.loadTrace()
	if err != nil {
		c.complain("trace: what the job read is not known: " + err.Error())
	}
	if t.Torn {
		c.complain("trace: it ends inside a record: what the job read after that is not known")
	}
	for _, f := range t.Faults {
		c.complain(show(f.Path) + ": " + f.Digest.String() + ": " + f.Cause)
	}
	foreign := func(list []string) []result.Path {
		return paths(slices.DeleteFunc(list, func(p string) bool {
			_, ok := made[p]
			return ok
		}))
	}
	c.res.Inputs, c.res.Listed, c.res.Absent = foreign(t.Inputs), foreign(t.Listed), foreign(t.Absent)
}

func (c *collection) loadTrace() (trace.Trace, error) {
	f, err := os.Open(c.run.TracePath())
	if err != nil {
		return trace.Trace{}, err
	}
	defer f.Close()
	return trace.Load(f)
}

// resume takes up the plan of an earlier collection. What it lists is either still staged or in the store; what it does
// not list, like a file that could not be read then, is tried again.
func (c *collection) resume() {
	if c.plan == nil {
		return
	}
	c.res.ModifiedInputs, c.res.DeletedInputs = c.plan.ModifiedInputs, c.plan.DeletedInputs
	c.res.Undeclared = c.plan.Undeclared
	c.res.Inputs, c.res.Listed, c.res.Absent = c.plan.Inputs, c.plan.Listed, c.plan.Absent
	c.hashed.Store(c.plan.Stats.BytesHashed)

	found := make(map[string]*output, len(c.outputs))
	for i := range c.outputs {
		found[c.outputs[i].Path] = &c.outputs[i]
	}
	var merged []output
	for _, e := range c.plan.HashedFiles {
		o := output{Entry: e, planned: true}
		if now, ok := found[e.Path]; ok {
			o.staged = now.staged
			delete(found, e.Path)
		}
		merged = append(merged, o)
	}
	for _, o := range found {
		merged = append(merged, *o)
	}
	order(merged)
	c.outputs = merged
}

// paths sorts and converts.
func paths(list []string) []result.Path {
	out := make([]result.Path, 0, len(list))
	for _, p := range list {
		out = append(out, result.Path(p))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

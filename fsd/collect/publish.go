package collect

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/cas/tree"
	"github.com/casview/casview/fsd/result"
)

// publish stores the outputs' tree and the result itself, syncs once, and writes result.json. Only a complete result
// frees the staging tree.
func (c *collection) publish() (*result.Result, error) {
	if err := c.storeRoot(); err != nil {
		c.complainOf("outputs_root is missing", err)
	}
	r, data, err := c.encode()
	if err != nil {
		return nil, fmt.Errorf("collect: %w", err)
	}
	if _, err := c.store.PutBytes(data); err != nil {
		c.complainOf("the result is not in the store", err)
		if r, data, err = c.encode(); err != nil {
			return nil, fmt.Errorf("collect: %w", err)
		}
	}
	c.ahead.wait()
	if err := c.store.Sync(); err != nil {
		return c.giveUp(&syncError{err})
	}
	err = c.run.WriteResult(data)
	if isFull(err) {
		err = errors.Join(c.run.ReleaseReserve(), c.run.WriteResult(data))
	}
	if isFull(err) {
		return c.giveUp(err)
	}
	if err != nil {
		return nil, fmt.Errorf("collect: write the result: %w", err)
	}
	if r.Status == result.Complete {
		c.free()
	}
	return r, nil
}

// storeRoot makes the tree of exactly the outputs.
func (c *collection) storeRoot() error {
	b := tree.NewBuilder(c.store)
	for i := range c.outputs {
		o := &c.outputs[i]
		o.err = b.Add(o.Path, treeEntry(o.Entry))
	}
	c.settle()
	root, _, err := b.Finish()
	if err == nil {
		c.res.OutputsRoot = root
	}
	return err
}

// treeEntry is an output as it stands in a tree, which knows no hardlinks.
func treeEntry(e result.Entry) tree.Entry {
	t := tree.Entry{Kind: tree.File, Digest: e.Hash, Size: e.Size, Target: e.Target, Mode: e.Mode, MtimeSec: e.MtimeSec, MtimeNsec: e.MtimeNsec}
	switch e.Kind {
	case result.Dir:
		t.Kind = tree.Dir
	case result.Symlink:
		t.Kind = tree.Symlink
	}
	return t
}

func (c *collection) encode() (*result.Result, []byte, error) {
	c.res.HashedFiles = c.files()
	r := c.compose()
	data, err := r.Encode()
	return r, data, err
}

// compose makes a result of what is known so far. Its time ends here: the sync that follows is not in it, because the
// result is among what is synced.
func (c *collection) compose() *result.Result {
	r := c.header()
	r.HashedFiles, r.OutputsRoot = c.res.HashedFiles, c.res.OutputsRoot
	r.ModifiedInputs, r.DeletedInputs = c.res.ModifiedInputs, c.res.DeletedInputs
	r.Inputs, r.Listed, r.Absent = c.res.Inputs, c.res.Listed, c.res.Absent
	r.Undeclared, r.Skipped = c.res.Undeclared, c.res.Skipped
	switch {
	case len(r.Errors) == 0:
		r.Status = result.Complete
	case c.lost && len(r.HashedFiles) == 0:
		r.Status = result.Failed
	default:
		r.Status = result.Partial
	}
	return r
}

// header is a result without lists.
func (c *collection) header() *result.Result {
	r := &result.Result{
		Schema:        result.Schema,
		Run:           string(c.spec.Run),
		Container:     c.spec.Container,
		InputsRoot:    c.spec.InputsRoot,
		Target:        c.spec.Target,
		StagingDriver: c.view.Driver,
		StagingReason: c.view.Reason,
		Started:       result.Time{Time: c.spec.Started},
		Ended:         c.res.Ended,
		Errors:        slices.Compact(slices.Sorted(slices.Values(c.errs))),
		Stats:         c.res.Stats,
	}
	r.Stats.ReadyMS = c.view.ReadyMS
	r.Stats.StagingData, r.Stats.StagingDataReason = c.view.Data, c.view.DataReason
	r.Stats.CollectMS = float64(time.Since(c.start).Microseconds()) / 1000
	r.Stats.BytesHashed, r.Stats.BytesCopied = c.hashed.Load(), c.copied.Load()
	return r
}

// syncError says that nothing which was stored can be relied on.
type syncError struct{ err error }

func (e *syncError) Error() string { return syncFailed + ": " + e.err.Error() }
func (e *syncError) Unwrap() error { return e.err }

// giveUp publishes that there are no outputs, in a result small enough for the room that was set aside for it. A result
// that is there already says more and stays, unless what it names may be damaged. The staging tree and the plan stay in any case.
func (c *collection) giveUp(cause error) (*result.Result, error) {
	c.log.Warn("collection gives up", "cause", cause)
	var unsynced *syncError
	switch {
	case errors.As(cause, &unsynced):
		c.complain(fmt.Sprintf("%s: run `casview-fsd collect %s`, which verifies every file", cause, c.run.Key()))
	case c.prior != nil:
		return c.prior, nil
	default:
		c.complain(c.diskFull(cause.Error()))
	}
	r := c.header()
	r.Status = result.Failed
	r.Errors = brief(r.Errors)
	data, err := r.Encode()
	if err != nil {
		return nil, fmt.Errorf("collect: %w", errors.Join(cause, err))
	}
	if err := errors.Join(c.run.ReleaseReserve(), c.run.WriteResult(data)); err != nil {
		return nil, fmt.Errorf("collect: %w; and the result could not be written: %w", cause, err)
	}
	return r, nil
}

// brief keeps what fits into the reserve.
func brief(errs []string) []string {
	const most, longest = 50, 400
	out := make([]string, 0, most)
	slices.SortStableFunc(errs, func(a, b string) int { return rank(a) - rank(b) })
	for _, e := range errs[:min(most, len(errs))] {
		out = append(out, e[:min(longest, len(e))])
	}
	return out
}

// rank puts first what tells how to go on.
func rank(e string) int {
	if strings.HasPrefix(e, "disk full") || strings.HasPrefix(e, syncFailed) {
		return 0
	}
	return 1
}

func (c *collection) complainOf(what string, err error) {
	if isFull(err) {
		c.complain(c.diskFull(what + ": " + err.Error()))
		return
	}
	c.complain(what + ": " + err.Error())
}

var _ tree.Writer = (*cas.Local)(nil)

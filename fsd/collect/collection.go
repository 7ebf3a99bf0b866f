package collect

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/fsd/result"
	"github.com/casview/casview/fsd/rundir"
	"github.com/casview/casview/fsd/staging/upper"
)

// collection is one call of Run.
type collection struct {
	run   *rundir.Dir
	store *cas.Local
	o     Options
	spec  rundir.Spec
	log   *slog.Logger
	start time.Time

	prior *result.Result // the result so far, which is not complete; nil when there is none
	plan  *result.Result // of a collection that did not end well; nil when there is none
	view  rundir.View
	root  *root // nil when there is no staging tree

	xattrs upper.Xattrs
	// durable says that what this run's files and earlier collections have written is as it was written: the host has not
	// restarted since and no sync has failed.
	durable bool

	// copies says that files are copied into the store and stay staged. Somebody may still write to them: the view is held,
	// or its daemon died, and then nothing tells whether a descriptor is still open somewhere.
	copies bool

	torn []rundir.Lost // files that have lost data before they were staged

	outputs []output      // in the order of the result
	res     result.Result // all but the outputs
	errs    []string
	lost    bool // something the job made is not in the result

	hashed, copied atomic.Int64 // bytes
	full           atomic.Bool  // the disk is full: no use in trying more copies

	adopted []string // staged names of files that are blobs now: see unlinkAdopted
	ahead   ahead
}

// Errors of the whole run, in the words of the result.
const (
	daemonDied = "the daemon died before the view ended: what the job read or failed to read after that is not known"
	wasHeld    = "the daemon ended while the view was in use: what the job read or failed to read after that is not known"
	restarted  = "the host restarted before the job's files were on disk: some may be older or shorter than the job wrote them"
	noStaging  = "there is no staging tree: the view was never ready, or somebody removed it"
	stillHeld  = "the view is still held, so files may be unfinished"
	syncFailed = "the store could not be synced"
)

// open finds out how the run was made and how it ended.
func (c *collection) open() error {
	if err := c.openStaging(); err != nil {
		return err
	}
	boot, err := bootID()
	if err != nil {
		c.log.Warn("boot id is not known: everything stored before is verified", "cause", err)
	}
	rebooted := boot != "" && c.spec.BootID != "" && boot != c.spec.BootID
	c.durable = boot != "" && boot == c.spec.BootID && !c.priorSyncFailed()
	if c.plan == nil && rebooted || c.plan != nil && slices.Contains(c.plan.Errors, restarted) {
		c.complain(restarted)
	}
	c.ending()
	return nil
}

func (c *collection) openStaging() error {
	var err error
	c.view, err = c.run.View()
	c.xattrs = upper.XattrsFor(c.view.UserXattr)
	if err != nil {
		c.complain("how the view was made is not known: " + err.Error())
		if !canReadTrusted() {
			c.xattrs = upper.User
		}
	}
	if c.readOnly() {
		return nil
	}
	if c.xattrs == upper.Trusted && !canReadTrusted() {
		return errors.New("reading trusted.overlay attributes needs CAP_SYS_ADMIN")
	}
	c.root, err = openRoot(c.run.UpperPath())
	if errors.Is(err, fs.ErrNotExist) {
		c.complain(noStaging)
		c.lost = true
		return nil
	}
	return err
}

func (c *collection) close() {
	if c.root != nil {
		c.root.close()
	}
}

func (c *collection) priorSyncFailed() bool {
	return c.prior != nil && slices.ContainsFunc(c.prior.Errors, func(s string) bool { return strings.HasPrefix(s, syncFailed) })
}

// ending fills in how and when the view ended.
func (c *collection) ending() {
	ended, known := c.o.Ended, true
	if ended.Time.IsZero() {
		var err error
		ended, err = c.run.Ended()
		known = err == nil
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			c.log.Warn("the end of the view is not readable", "cause", err)
		}
	}
	c.copies = c.o.Keep
	switch {
	case c.o.Keep && len(c.o.Holders) == 0:
		c.complain(stillHeld)
	case c.o.Keep:
		for _, h := range c.o.Holders {
			c.complain(stillHeld + ": " + h)
		}
	case !known:
		c.complain(daemonDied)
		c.copies = true
	case ended.Held:
		c.complain(wasHeld)
	}
	if ended.TraceError != "" {
		c.complain("trace: what the job read is not all known: " + ended.TraceError)
	}
	c.res.Ended.Time = ended.Time
	for _, earlier := range []*result.Result{c.plan, c.prior, {Ended: result.Time{Time: c.start}}} {
		if c.res.Ended.IsZero() && earlier != nil {
			c.res.Ended = earlier.Ended
		}
	}
	requests := ended.FuseRequests
	if requests == nil && c.prior != nil {
		requests = c.prior.Stats.FuseRequests
	}
	c.res.Stats.FuseRequests = requests
	c.res.Stats.FailedPassthrough = ended.FailedPassthrough
	c.torn = ended.Lost
}

func (c *collection) complain(what string) { c.errs = append(c.errs, what) }

// lose is complain for a path that belongs into the result and is not there.
func (c *collection) lose(path string, err error) {
	c.lost = true
	c.complain(problem{path: path, err: err}.String())
}

// settle drops the outputs that failed, and lets hardlinks share the fate of the name they are listed under.
func (c *collection) settle() {
	files := map[string]*output{}
	for i := range c.outputs {
		if o := &c.outputs[i]; o.Kind == result.File {
			files[o.Path] = o
		}
	}
	for i := range c.outputs {
		o := &c.outputs[i]
		if o.Kind == result.Hardlink && o.err == nil {
			o.follow(files[o.Target])
		}
		if o.err != nil && !isFull(o.err) {
			c.lose(o.Path, o.err)
		}
	}
	before := len(c.outputs)
	noRoom := 0
	c.outputs = slices.DeleteFunc(c.outputs, func(o output) bool {
		if isFull(o.err) {
			noRoom++
		}
		return o.err != nil
	})
	if noRoom > 0 {
		c.lost = true
		c.complain(c.diskFull(fmt.Sprintf("%d of %d outputs are not stored", noRoom, before)))
	}
}

// follow gives a hardlink the content of the file it is another name of, or its error.
func (o *output) follow(file *output) {
	switch {
	case file == nil:
		o.err = fmt.Errorf("hardlink of %s, which is lost", show(o.Target))
		return
	case file.err != nil:
		o.err = fmt.Errorf("hardlink of %s: %w", show(o.Target), file.err)
		return
	}
	o.Hash, o.Size, o.Mode, o.MtimeSec, o.MtimeNsec = file.Hash, file.Size, file.Mode, file.MtimeSec, file.MtimeNsec
}

// diskFull is the error that tells how to go on.
func (c *collection) diskFull(what string) string {
	return fmt.Sprintf("disk full: nothing is lost: make room, then run `casview-fsd collect %s` (%s)", c.run.Key(), what)
}

func isFull(err error) bool { return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) }

// bootID changes with every start of the kernel.
func bootID() (string, error) {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(b)), err
}

// canReadTrusted says whether this process sees trusted.* attributes: without CAP_SYS_ADMIN they read as absent.
func canReadTrusted() bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return false
	}
	return data[0].Effective&(1<<unix.CAP_SYS_ADMIN) != 0
}

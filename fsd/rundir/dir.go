package rundir

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/fsd/result"
)

// Names inside a run directory.
const (
	lockName    = "lock"
	specName    = "run.json"
	viewName    = "view.json"
	attachName  = "attach.json"
	markerName  = "marker.json"
	endedName   = "ended.json"
	planName    = "plan.json"
	resultName  = "result.json"
	reserveName = "reserve"
	stagingName = "staging"
	traceName   = "trace"
	logName     = "log"
)

// Dir is one run's directory. Methods that write need the run's lock.
type Dir struct {
	path string
	spec Spec
}

// OpenPath opens a run directory by its path and reads run.json.
func OpenPath(path string) (*Dir, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	d := &Dir{path: path}
	if err := d.readJSON(specName, &d.spec); err != nil {
		if errors.As(err, new(*fs.PathError)) {
			return nil, err
		}
		return nil, &tornError{path, err}
	}
	if _, err := ParseRunKey(string(d.spec.Run)); err != nil {
		return nil, fmt.Errorf("%s: %w", d.file(specName), err)
	}
	return d, nil
}

// tornError is a run.json that can't be read. It is not synced, so a power cut may tear that of a run that had just begun.
type tornError struct {
	path  string
	cause error
}

func (e *tornError) Error() string {
	return fmt.Sprintf("%v: no command can use this run any more: remove %s if nothing of it is wanted", e.cause, e.path)
}

func (e *tornError) Unwrap() error { return e.cause }

// Path is the directory's absolute path.
func (d *Dir) Path() string { return d.path }

// Key is the name under which the run is found; it differs from Spec().Run after the run was moved aside.
func (d *Dir) Key() RunKey { return RunKey(filepath.Base(d.path)) }

// Spec is what was asked for.
func (d *Dir) Spec() Spec { return d.spec }

// ResultPath, LogPath, TracePath and StagingPath name the files that others open.
func (d *Dir) ResultPath() string { return d.file(resultName) }

// LogPath is the run's log.
func (d *Dir) LogPath() string { return d.file(logName) }

// TracePath is the access trace.
func (d *Dir) TracePath() string { return d.file(traceName) }

// StagingPath is the directory with upper/ and work/.
func (d *Dir) StagingPath() string {
	if d.spec.StagingDir != "" {
		return d.spec.StagingDir
	}
	return d.file(stagingName)
}

// UpperPath is the staging tree itself.
func (d *Dir) UpperPath() string { return filepath.Join(d.StagingPath(), "upper") }

// WorkPath is overlayfs's work directory.
func (d *Dir) WorkPath() string { return filepath.Join(d.StagingPath(), "work") }

// View reads view.json; fs.ErrNotExist before the view is ready.
func (d *Dir) View() (View, error) {
	var v View
	return v, d.readJSON(viewName, &v)
}

// WriteView writes view.json.
func (d *Dir) WriteView(v View) error { return d.writeJSON(viewName, v) }

// Attachment reads attach.json; fs.ErrNotExist before the hook has found the view's place.
func (d *Dir) Attachment() (Attachment, error) {
	var a Attachment
	return a, d.readJSON(attachName, &a)
}

// WriteAttachment writes attach.json.
func (d *Dir) WriteAttachment(a Attachment) error { return d.writeJSON(attachName, a) }

// Ended reads ended.json; fs.ErrNotExist when no daemon saw the view end.
func (d *Dir) Ended() (Ended, error) {
	var e Ended
	return e, d.readJSON(endedName, &e)
}

// WriteEnded writes ended.json. On a full disk it takes a part of the reserve for it: without ended.json a later collection would
// have to take the daemon for dead, and its result could not be complete.
func (d *Dir) WriteEnded(e Ended) error {
	err := d.writeJSON(endedName, e)
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
		return errors.Join(d.shrinkReserve(), d.writeJSON(endedName, e))
	}
	return err
}

// Plan reads the plan of a collection that began; fs.ErrNotExist when none did.
func (d *Dir) Plan() (*result.Result, error) { return result.Read(d.file(planName)) }

// WritePlan puts the plan on disk durably: after it files may move.
func (d *Dir) WritePlan(data []byte) error { return result.WriteDurable(d.file(planName), data) }

// Result reads result.json; fs.ErrNotExist while the run is not over.
func (d *Dir) Result() (*result.Result, error) { return result.Read(d.ResultPath()) }

// WriteResult publishes the result durably. The caller has synced the store before.
func (d *Dir) WriteResult(data []byte) error { return result.WriteDurable(d.ResultPath(), data) }

// ReleaseReserve gives back the preallocated room. It is called when the disk is full, before a failed result is
// written.
func (d *Dir) ReleaseReserve() error { return d.remove(reserveName) }

// shrinkReserve gives back as much of the room as a small file takes, and leaves enough for a result.
func (d *Dir) shrinkReserve() error {
	err := os.Truncate(d.file(reserveName), reserveBytes-reserveForEnded)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// FreeStaging removes what is no longer needed once a complete result is published: staging, plan, trace and reserve.
func (d *Dir) FreeStaging() error {
	var errs []error
	for _, dir := range []string{d.UpperPath(), d.WorkPath()} {
		errs = append(errs, removeTree(dir))
	}
	if d.spec.StagingDir == "" {
		errs = append(errs, d.remove(stagingName))
	}
	return errors.Join(append(errs, d.remove(planName), d.remove(traceName), d.remove(reserveName), d.removeTorn())...)
}

// removeTorn removes what a collection that was killed had begun to write. Only the lock's holder writes such files.
func (d *Dir) removeTorn() error {
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range entries {
		if name := e.Name(); strings.HasPrefix(name, "."+planName) || strings.HasPrefix(name, "."+resultName) {
			errs = append(errs, d.remove(name))
		}
	}
	return errors.Join(errs...)
}

// Remove deletes the run. The caller holds the lock.
func (d *Dir) Remove() error {
	if d.spec.StagingDir != "" {
		if err := errors.Join(removeTree(d.UpperPath()), removeTree(d.WorkPath())); err != nil {
			return err
		}
	}
	// Gone under its name first: whoever opens a file of the run meanwhile, and would make it, finds no directory.
	gone := filepath.Join(filepath.Dir(d.path), ".gone-"+d.spec.Nonce)
	if err := os.Rename(d.path, gone); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	return removeTree(gone)
}

func (d *Dir) file(name string) string { return filepath.Join(d.path, name) }

func (d *Dir) remove(name string) error {
	err := os.Remove(d.file(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func (d *Dir) readJSON(name string, v any) error {
	b, err := os.ReadFile(d.file(name))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%s: %w", d.file(name), err)
	}
	return nil
}

// writeJSON writes a file whole, but does not sync it: what it tells is worth nothing after a power cut.
func (d *Dir) writeJSON(name string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	tmp := d.file("." + name)
	if err := os.WriteFile(tmp, append(b, '\n'), 0o600); err != nil {
		return errors.Join(err, d.remove("."+name))
	}
	return os.Rename(tmp, d.file(name))
}

package fsd

import (
	"fmt"
	"log/slog"
	"path/filepath"

	"github.com/landlock-lsm/go-landlock/landlock"
	"golang.org/x/sys/unix"
	"kernel.org/pub/linux/libs/security/libcap/cap"

	"github.com/casview/casview/fsd/rundir"
	"github.com/casview/casview/fsd/staging"
)

// keptCapabilities are what collection needs on files that belong to the job: reading them whatever their mode
// (DAC_OVERRIDE, DAC_READ_SEARCH), making them the store's (CHOWN, FOWNER), and reading overlayfs's trusted.* xattrs, for
// which the kernel asks SYS_ADMIN.
//
// The fuse driver, which does in the staging tree what the job may do, also needs FSETID: without it the kernel takes setuid
// and setgid bits away when the daemon writes to a file, though the kernel that asked knows that the job may keep them.
func keptCapabilities(run *rundir.Dir) []cap.Value {
	kept := []cap.Value{cap.DAC_OVERRIDE, cap.DAC_READ_SEARCH, cap.CHOWN, cap.FOWNER, cap.SYS_ADMIN}
	if v, err := run.View(); err == nil && v.Driver == (staging.FUSE{}).Name() {
		kept = append(kept, cap.FSETID)
	}
	return kept
}

// Confine takes from the whole process, all its threads, what serving and collecting don't need: capabilities, the way back
// to them (no_new_privs), and with Landlock every path but the store, the run and /proc (to name who holds the view).
// Landlock also forbids all mounting. On a kernel without Landlock, or before Linux 5.19, where it can't allow to rename from
// one directory to another, the rest still holds.
func Confine(spec rundir.Spec, run *rundir.Dir, log *slog.Logger) error {
	have, keep := cap.GetProc(), cap.NewSet()
	for _, c := range keptCapabilities(run) {
		ok, err := have.GetFlag(cap.Permitted, c)
		if err != nil {
			return fmt.Errorf("capabilities: %w", err)
		}
		if err := keep.SetFlag(cap.Permitted, ok, c); err != nil {
			return fmt.Errorf("capabilities: %w", err)
		}
		if err := keep.SetFlag(cap.Effective, ok, c); err != nil {
			return fmt.Errorf("capabilities: %w", err)
		}
	}
	if err := keep.SetProc(); err != nil {
		return fmt.Errorf("drop capabilities: %w", err)
	}
	if _, err := cap.Prctlw(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("no_new_privs: %w", err)
	}
	err := landlock.V5.BestEffort().RestrictPaths(
		landlock.RWDirs(spec.Store, run.Path(), filepath.Clean(run.StagingPath())).WithRefer().IgnoreIfMissing(),
		landlock.RODirs("/proc"),
	)
	if err != nil {
		return fmt.Errorf("landlock: %w", err)
	}
	log.Debug("confined", "capabilities", keep.String())
	return nil
}

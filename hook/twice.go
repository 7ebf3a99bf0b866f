package hook

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/moby/sys/mountinfo"

	"github.com/casview/casview/fsd/rundir"
)

// hasView tells whether this very container has its view already, from an earlier hook: an engine may know casview's hook
// from two places, as from a folder of hooks and from a CDI spec. Two hooks that ask for different things are an error.
func hasView(runs *rundir.Runs, j job) (bool, error) {
	run, err := runs.OfContainer(j.id)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	// An entry of a container that had the same id is not enough. The mount's source has the run's nonce.
	mounted, err := isMounted(j.pid, run.Spec().MountSource())
	if err != nil || !mounted {
		return false, err
	}
	have := run.Spec()
	if have.Run != j.key() || have.InputsRoot != j.Inputs || have.Target != j.target || !slices.Equal(have.Outputs, j.Outputs) {
		return false, fmt.Errorf("container %s has two hooks of casview that do not agree: "+
			"one gave it %s at %s as run %s, this one %s at %s as run %s", j.id, have.InputsRoot, have.Target, have.Run, j.Inputs, j.target, j.key())
	}
	return true, nil
}

// isMounted tells whether a process sees a mount with this source.
func isMounted(pid int, source string) (bool, error) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/mountinfo", pid))
	if err != nil {
		return false, err
	}
	defer f.Close()
	mounts, err := mountinfo.GetMountsFromReader(f, func(m *mountinfo.Info) (skip, stop bool) {
		return m.Source != source, m.Source == source
	})
	return len(mounts) > 0, err
}

package hook

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/casview/casview/fsd/result"
	"github.com/casview/casview/fsd/rundir"
)

// Incomplete is a result that names what it lacks. It is worth a line, but no failure of the hook: since runc 1.2 a poststop
// hook that fails lets `runc delete` fail, although the container is gone by then. Docker 29 then leaves the container's shim
// for ever, CRI-O 1.34 fails to stop the pod, and `ctr run` of containerd 2 exits with 1 in place of the job's code.
type Incomplete struct{ error }

// outcome is nil for a complete result, Incomplete for another.
func outcome(run *rundir.Dir) error {
	status, errs, err := head(run.ResultPath())
	if err != nil {
		return fmt.Errorf("run %s: %w", run.Key(), err)
	}
	if status == result.Complete {
		return nil
	}
	why := "no cause given"
	if len(errs) > 0 {
		why = errs[0]
	}
	if len(errs) > 1 {
		why = fmt.Sprintf("%s (and %d more)", why, len(errs)-1)
	}
	return Incomplete{fmt.Errorf("run %s: outputs are not complete (%s): %s: %s", run.Key(), status, why, run.ResultPath())}
}

// head reads a result as far as its errors, which stand before the files: a result may have hundreds of thousands of them.
func head(path string) (status result.Status, errs []string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", nil, err
	}
	defer f.Close()
	dec := json.NewDecoder(f)
	if _, err := dec.Token(); err != nil {
		return "", nil, fmt.Errorf("%s: %w", path, err)
	}
	fields := map[string]any{"status": &status, "errors": &errs}
	for dec.More() && len(fields) > 0 {
		key, err := dec.Token()
		if err != nil {
			return "", nil, fmt.Errorf("%s: %w", path, err)
		}
		name, _ := key.(string)
		var into any = new(json.RawMessage)
		if field, ok := fields[name]; ok {
			into = field
			delete(fields, name)
		}
		if err := dec.Decode(into); err != nil {
			return "", nil, fmt.Errorf("%s: %s: %w", path, name, err)
		}
	}
	if len(fields) > 0 {
		return "", nil, fmt.Errorf("%s: has no status or no errors", path)
	}
	return status, errs, nil
}

package wrapper

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/casview/casview/fsd/rundir"
	"github.com/casview/casview/hook/state"
)

// say tells an error to whoever reads it: on stderr, and in the log from which Docker, containerd and podman take what they
// show their users.
func (c call) say(stderr io.Writer, cause error) {
	line := "casview: " + cause.Error()
	fmt.Fprintln(stderr, line)
	if c.log == "" {
		return
	}
	f, err := os.OpenFile(c.log, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		return // the engine has stderr
	}
	defer f.Close()
	entry, err := c.logEntry(line, time.Now())
	if err == nil {
		_, err = f.Write(entry)
	}
	if err != nil {
		fmt.Fprintf(stderr, "casview: %s: %v\n", c.log, err)
	}
}

// logEntry is an entry as runc writes it.
func (c call) logEntry(line string, now time.Time) ([]byte, error) {
	stamp := now.UTC().Format(time.RFC3339)
	if !c.json {
		return fmt.Appendf(nil, "time=%q level=error msg=%q\n", stamp, line), nil
	}
	entry, err := json.Marshal(struct {
		Level string `json:"level"`
		Msg   string `json:"msg"`
		Time  string `json:"time"`
	}{"error", line, stamp})
	return append(entry, '\n'), err
}

// remember keeps the cause where `casview run` and `casview result` find it, as the hook does.
func (c call) remember(stateDir string, w wish, cause error) error {
	runs, err := rundir.OpenRuns(stateDir)
	if err != nil {
		return fmt.Errorf("%w (and it can't be remembered: %w)", cause, err)
	}
	keys := []rundir.RunKey{rundir.KeyOfContainer(c.id)}
	for _, from := range []map[string]string{w.annotations, w.environment} {
		if key, err := rundir.ParseRunKey(from[state.Run]); err == nil {
			keys = append(keys, key)
		}
	}
	for _, key := range keys {
		err = errors.Join(err, runs.Refuse(key, cause.Error()))
	}
	if err != nil {
		return fmt.Errorf("%w (and it can't be remembered: %w)", cause, err)
	}
	return cause
}

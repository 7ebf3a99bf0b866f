package daemon

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/casview/casview/fsd/rundir"
)

// Collect starts `casview-fsd collect` for a run whose daemon is dead, and waits for it. held says that the view may still
// be in use. Nil means that there is a result, whatever its status. When the context ends first, collection goes on without
// this process, for as long as the run's timeout lets it, and the context's error is returned.
func Collect(ctx context.Context, program string, run *rundir.Dir, held bool) error {
	log, err := os.OpenFile(run.LogPath(), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	before, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	args := []string{"collect"}
	if bound := run.Spec().Timeout; bound > 0 {
		args = append(args, "--timeout", bound.String())
	}
	if held {
		args = append(args, "--held")
	}
	// Its stderr is the log and not a pipe: it may outlive this process.
	p, err := spawn(program, log, nil, append(args, run.Path())...)
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() {
		state, err := p.Wait()
		if err == nil && !madeResult(state) {
			err = errors.New(state.String())
		}
		ended <- err
	}()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case err := <-ended:
		if err != nil {
			return fmt.Errorf("%s collect: %w: %s", Program, err, lastLine(log, before))
		}
		return nil
	}
}

// madeResult tells from an exit whether there is a result: complete, partial or failed.
func madeResult(state *os.ProcessState) bool {
	const partial, failed = 3, 4
	code := state.ExitCode()
	return code == 0 || code == partial || code == failed
}

// lastLine is the cause in words: what the program wrote last.
func lastLine(log *os.File, from int64) string {
	const enough = 4 << 10
	end, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		return log.Name()
	}
	b := make([]byte, min(enough, max(0, end-from)))
	n, _ := log.ReadAt(b, end-int64(len(b)))
	lines := bytes.Split(bytes.TrimSpace(b[:n]), []byte("\n"))
	last := strings.TrimPrefix(string(lines[len(lines)-1]), Program+": ")
	if last == "" {
		return "see " + log.Name()
	}
	return last
}

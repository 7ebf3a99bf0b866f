package hook

import (
	"context"
	"fmt"

	"github.com/casview/casview/fsd/result"
	"github.com/casview/casview/fsd/rundir"
)

// Recover does what poststop would have done for a run whose container has ended without one: it makes the result if there
// is none, and forgets the container. A result that is not complete is no error. The caller has seen that no process uses
// the view any more: what runs on would lose its files to the store.
func Recover(ctx context.Context, env Env, stateDir string, runs *rundir.Runs, run *rundir.Dir) (result.Status, error) {
	log, err := openLog(run, "recover")
	if err != nil {
		return "", err
	}
	defer log.close()
	e := &ending{env: env, run: run, log: log, timeout: run.Spec().Timeout}
	if err := e.settle(ctx); err != nil {
		log.Error("no result", "cause", err)
		return "", fmt.Errorf("run %s: %w", run.Key(), err)
	}
	log.step("the run is over")
	e.cleanUp(ctx, stateDir, runs)
	status, _, err := head(run.ResultPath())
	return status, err
}

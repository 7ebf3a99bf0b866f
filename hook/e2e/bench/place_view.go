package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/casview/casview/fsd/result"
)

// viewPlace is casview's: hooks in the bundle, and a result at the end.
type viewPlace struct {
	column column
	job    job
	run    string
	result *result.Result
}

func (p *viewPlace) runDir() string { return filepath.Join(p.job.in.state, "runs", p.run) }

func (p *viewPlace) attach(ctx context.Context, bundle string, spec *specs.Spec) (*specs.Spec, error) {
	if err := writeSpec(bundle, spec); err != nil {
		return nil, err
	}
	// Only what is compared is stored: hashing the rest would take time that no row measures.
	cmd := p.job.in.commandFor(ctx, p.column, "spec", "--bundle", bundle, "--inputs", p.job.inputs.root, "--run", p.run)
	if !p.job.all {
		cmd.Args = append(cmd.Args, "--output", outputDir+"/**")
	}
	if _, err := output(cmd); err != nil {
		return nil, err
	}
	return readSpec(bundle)
}

// end waits until the daemon is gone, and takes the result only if it is what was measured.
func (p *viewPlace) end() error {
	pid, err := p.daemon()
	if err != nil {
		return err
	}
	for deadline := time.Now().Add(patience); isDaemon(pid); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			return fmt.Errorf("the daemon of run %s does not end", p.run)
		}
	}
	r, err := result.Read(filepath.Join(p.runDir(), "result.json"))
	if err != nil {
		return err
	}
	p.result = r
	data := p.column.data
	if p.column.driver == "overlay" {
		data = ""
	}
	switch {
	case r.Status != result.Complete:
		return fmt.Errorf("run %s is %s: %s", p.run, r.Status, strings.Join(r.Errors, "; "))
	case r.StagingDriver != p.column.driver:
		return fmt.Errorf("run %s has driver %s: %s", p.run, r.StagingDriver, r.StagingReason)
	case r.Stats.StagingData != data || r.Stats.FailedPassthrough > 0:
		return fmt.Errorf("run %s has data %s, %d opens not passed through: %s", p.run, r.Stats.StagingData,
			r.Stats.FailedPassthrough, r.Stats.StagingDataReason)
	}
	return nil
}

// patience is for how long a daemon may work after its container.
const patience = 5 * time.Minute

// daemon is the pid of the run's casview-fsd, from the file in which it says how it made the view.
func (p *viewPlace) daemon() (int, error) {
	b, err := os.ReadFile(filepath.Join(p.runDir(), "view.json"))
	if err != nil {
		return 0, err
	}
	var view struct {
		PID int `json:"pid"`
	}
	if err := json.Unmarshal(b, &view); err != nil {
		return 0, fmt.Errorf("view.json of run %s: %w", p.run, err)
	}
	return view.PID, nil
}

// isDaemon says whether a process is a casview-fsd. One that has ended and waits for its parent is none.
func isDaemon(pid int) bool {
	exe, err := os.Readlink("/proc/" + strconv.Itoa(pid) + "/exe")
	return err == nil && filepath.Base(strings.TrimSuffix(exe, " (deleted)")) == "casview-fsd"
}

func (p *viewPlace) written() (map[string]string, error) {
	if p.result == nil {
		return nil, errors.New("no result")
	}
	all := map[string]string{}
	for _, e := range p.result.HashedFiles {
		switch e.Kind {
		case result.Symlink:
			all[e.Path] = "-> " + e.Target
		case result.File, result.Hardlink:
			all[e.Path] = e.Hash.Hex()
		}
	}
	return all, nil
}

// remove leaves the run: its staging tree is gone, and what it stored goes with the store.
func (p *viewPlace) remove() error { return nil }

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/casview/casview/fsd/result"
	"github.com/casview/casview/hook/e2e/bench/inside"
)

// job is one container's work.
type job struct {
	tasks  []inside.Task // without any, it runs true
	inputs *inputs       // nil for a container without a work tree
	in     *installation // that has the inputs
	tools  bool          // whether it needs the host's programs
	env    []string
	notes  map[string]string // that the job must report
	// all says that everything the job writes is stored, and not only what is in the directory "out".
	all  bool
	edit func(*specs.Spec)
	// beside runs beside the container, with the run's directory if it has one, and must return after done is closed.
	beside func(done <-chan struct{}, p place)
}

func (j job) args() ([]string, error) {
	if len(j.tasks) == 0 {
		return []string{"/bin/true"}, nil
	}
	args, err := inside.Args(j.tasks)
	return append([]string{"/bench/bench", insideArg}, args...), err
}

func (j job) cwd() string {
	if j.inputs == nil {
		return "/"
	}
	return target
}

// outcome is what is known of a container in the end.
type outcome struct {
	report  inside.Report
	took    time.Duration     // of `runc run`
	written map[string]string // what was stored, or would have been
	result  *result.Result    // of a view
	runDir  string            // of a view
	copying time.Duration     // of a copy
}

// container runs a job in a column, to the very end.
func (s *site) container(ctx context.Context, c column, j job) (o outcome, err error) {
	if j.in == nil {
		j.in = s.main
	}
	id := s.unique("bench-")
	bundle, err := s.newDir("bundle-")
	if err != nil {
		return o, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(bundle)) }()
	p, err := s.newPlace(c, j, id, s.path("place-"+id))
	if err != nil {
		return o, err
	}
	defer func() { err = errors.Join(err, p.remove(), o.add(p)) }()
	if err := s.writeBundle(ctx, bundle, j, p); err != nil {
		return o, err
	}
	if err := s.settle(); err != nil {
		return o, err
	}
	if err := s.runc(ctx, bundle, id, j, p, &o); err != nil {
		return o, err
	}
	if v, ok := p.(*viewPlace); ok {
		if err := v.end(); err != nil {
			return o, err
		}
		o.result, o.runDir = v.result, v.runDir()
	}
	o.written, err = p.written()
	return o, err
}

// add notes what a place knows only after it was removed.
func (o *outcome) add(p place) error {
	if copied, ok := p.(*copyPlace); ok {
		o.copying = copied.copying
	}
	return nil
}

func (s *site) writeBundle(ctx context.Context, bundle string, j job, p place) error {
	spec, err := s.bundleSpec(j)
	if err != nil {
		return err
	}
	if spec, err = p.attach(ctx, bundle, spec); err != nil {
		return err
	}
	if j.edit != nil {
		j.edit(spec)
	}
	return writeSpec(bundle, spec)
}

// longest is how long a container may take.
const longest = 10 * time.Minute

func (s *site) runc(ctx context.Context, bundle, id string, j job, p place, o *outcome) error {
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	root := s.path("runc")
	done, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		if j.beside != nil {
			j.beside(done, p)
		}
	}()
	cmd := exec.CommandContext(ctx, "runc", "--root", root, "run", "--bundle", bundle, id)
	cmd.WaitDelay = 10 * time.Second
	start := time.Now()
	out, err := output(cmd)
	o.took = time.Since(start)
	close(done)
	<-over
	if err != nil {
		// It may be still there if it was given up.
		_ = exec.Command("runc", "--root", root, "delete", "--force", id).Run()
		return err
	}
	if len(j.tasks) == 0 {
		return nil
	}
	if err := json.Unmarshal([]byte(out), &o.report); err != nil {
		return fmt.Errorf("report of the job: %w: %.200q", err, out)
	}
	for note, want := range j.notes {
		if got := o.report.Notes[note]; got != want {
			return fmt.Errorf("the job found %s for %s, expected %s", got, note, want)
		}
	}
	return nil
}

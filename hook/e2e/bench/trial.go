package main

import (
	"context"
	"maps"
)

// Steps that a trial in a container adds to those that the job reports.
const (
	allSteps = "all steps" // their sum
	// allWithCopy is that sum and the time for copying the inputs before the job and removing them after it.
	allWithCopy = "all steps with cp -r and rm -r"
)

// inContainers is the trial that runs a job in a container and takes the steps that it reports. In each column the job must
// write the same.
func (b *bench) inContainers(j job) trial {
	written := reference{}
	return func(ctx context.Context, c column, _ int) (values, error) {
		o, err := b.container(ctx, c, j)
		if err != nil {
			return nil, err
		}
		if err := written.check("job", o.written); err != nil {
			return nil, err
		}
		b.note(c, o)
		return o.values(), nil
	}
}

// values are the steps of a job.
func (o outcome) values() values {
	v := values(maps.Clone(o.report.Steps))
	sum := 0.0
	for _, s := range o.report.Steps {
		sum += s
	}
	v[allSteps] = sum
	if o.copying > 0 {
		v[allWithCopy] = sum + o.copying.Seconds()
	}
	return v
}

// note keeps how often the kernel asked the daemon, and for what: that explains times.
func (b *bench) note(c column, o outcome) {
	if o.result != nil {
		b.requests[c.name] = o.result.Stats.FuseRequests
	}
}

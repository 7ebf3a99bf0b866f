package conformance

import (
	"slices"
	"testing"
)

// attempts is how many shorter sequences are tried. Each needs inputs of its own.
const attempts = 300

// shrink drops steps of a failed sequence that it fails without, on a view of its own.
func shrink(t *testing.T, o options, f *failure, also ...exception) *failure {
	t.Helper()
	if o.state != "" {
		o.state += "-shrink"
	}
	place := newField(t, o, attempts)
	place.also = also
	used := 0
	fails := func(looked bool, steps []*step) *failure {
		if used == attempts {
			return nil
		}
		used++
		return place.replay(used-1, looked, steps)
	}
	shorter := fails(f.looked, f.steps)
	if shorter == nil {
		f.problem += "\n(the same steps went well when they were done again)"
		return f
	}
	if g := fails(false, shorter.steps); g != nil {
		shorter = g
	}
	for size := len(shorter.steps) / 2; size > 0; size /= 2 {
		for at := 0; at+size <= len(shorter.steps); {
			steps := slices.Delete(slices.Clone(shorter.steps), at, at+size)
			if g := fails(shorter.looked, steps); g != nil {
				shorter = g
			} else {
				at += size
			}
		}
	}
	shorter.seed = f.seed
	return shorter
}

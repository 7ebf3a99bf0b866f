package main

import (
	"fmt"
	"maps"
	"slices"
)

// reference holds what was written the first time, by kind of work. All others must write the same.
type reference map[string]map[string]string

func (r reference) check(work string, got map[string]string) error {
	want, ok := r[work]
	if !ok {
		r[work] = got
		return nil
	}
	if maps.Equal(got, want) {
		return nil
	}
	all := maps.Clone(want)
	maps.Copy(all, got)
	for _, p := range slices.Sorted(maps.Keys(all)) {
		if got[p] != want[p] {
			return fmt.Errorf("the job wrote %d files, another %d: %s is %q, was %q", len(got), len(want), p, got[p], want[p])
		}
	}
	return fmt.Errorf("the job wrote %d files, another %d", len(got), len(want))
}

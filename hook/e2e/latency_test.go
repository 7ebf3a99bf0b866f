package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// createRuntime is on the way of every container's start, so its time may not depend on how many inputs there are. It is
// measured between two other hooks, and so includes the start of the second, whose time is measured too: on a host that is
// busy with something else, everything takes as much longer.
func TestCreateRuntimeTime(t *testing.T) {
	const runs = 11
	const quiet = 2 * time.Millisecond // for the start of a small program, on a host with nothing else to do
	r := newRunc(t, nil)
	few, many := r.place.storeMany(t, 10), r.place.storeMany(t, 100_000)
	var short, long, other []time.Duration
	for range runs { // in turn, because the host's noise comes and goes
		for root, times := range map[string]*[]time.Duration{few: &short, many: &long} {
			ours, stamp := createTime(t, r, root)
			*times, other = append(*times, ours), append(other, stamp)
		}
	}
	slices.Sort(short)
	slices.Sort(long)
	slices.Sort(other)
	a, b, stamp := short[runs/2], long[runs/2], other[runs]
	t.Logf("createRuntime, median of %d: %.1f ms with 10 inputs, %.1f ms with 100,000 (another hook: %.1f ms)", runs, ms(a), ms(b), ms(stamp))
	if b > 2*a+5*time.Millisecond {
		t.Errorf("createRuntime grows with the inputs: %v with 10, %v with 100,000", a, b)
	}
	if limit := 20 * time.Millisecond; stamp <= quiet && b > limit {
		t.Errorf("createRuntime took %v, expected under %v", b, limit)
	}
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// storeMany imports a manifest of n empty files, 100 in a directory.
func (s *site) storeMany(t *testing.T, n int) string {
	t.Helper()
	s.store(t, file{path: "empty"})
	var b strings.Builder
	b.WriteString(`{"schema": "casview.inputs/v1", "visible": [`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"path": "d%d/e%d/f%d", "hash": "sha256:%s"}`, i/10000, i/100, i, sha256Hex(""))
	}
	b.WriteString("]}")
	manifest := writeFile(t, b.String(), s.dir, fmt.Sprintf("manifest%d.json", n))
	o := s.casview(t, "tree", "import", manifest)
	if o.code != 0 {
		t.Fatalf("casview tree import: exit %d: %s", o.code, o.stderr)
	}
	return strings.TrimSpace(o.stdout)
}

// createTime runs a container and returns how long its create hook took, and how long a hook that only writes the time.
func createTime(t *testing.T, r *bundleRuntime, root string) (ours, other time.Duration) {
	t.Helper()
	first, before, after := filepath.Join(r.place.dir, "first"), filepath.Join(r.place.dir, "before"), filepath.Join(r.place.dir, "after")
	j := sh(root, unique("time"), "test -f d0/e0/f7")
	j.edit = func(s *specs.Spec) {
		stamp := func(file string) specs.Hook {
			return specs.Hook{Path: "/bin/sh", Args: []string{"sh", "-c", "exec date +%s%N > " + file}, Env: []string{"PATH=/usr/bin:/bin"}}
		}
		s.Hooks.CreateRuntime = slices.Concat([]specs.Hook{stamp(first), stamp(before)}, s.Hooks.CreateRuntime, []specs.Hook{stamp(after)})
	}
	succeed(t, r, j)
	r.place.complete(t, j.run)
	return readStamp(t, after).Sub(readStamp(t, before)), readStamp(t, before).Sub(readStamp(t, first))
}

func readStamp(t *testing.T, file string) time.Time {
	t.Helper()
	b, err := os.ReadFile(file)
	must(t, err)
	ns, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
	must(t, err)
	return time.Unix(0, ns)
}

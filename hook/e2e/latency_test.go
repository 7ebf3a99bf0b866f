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
// measured between two other hooks, and so includes the start of the second (about a millisecond).
func TestCreateRuntimeTime(t *testing.T) {
	r := newRunc(t, nil)
	few, many := r.place.storeMany(t, 10), r.place.storeMany(t, 100_000)
	const runs = 11
	var short, long []time.Duration
	for range runs { // in turn, because the host's noise comes and goes
		short = append(short, createTime(t, r, few))
		long = append(long, createTime(t, r, many))
	}
	slices.Sort(short)
	slices.Sort(long)
	a, b := short[runs/2], long[runs/2]
	t.Logf("createRuntime, median of %d: %.1f ms with 10 inputs, %.1f ms with 100,000", runs, ms(a), ms(b))
	if b > 2*a+5*time.Millisecond {
		t.Errorf("createRuntime grows with the inputs: %v with 10, %v with 100,000", a, b)
	}
	// The best run shows what the program needs; the median shows what else the host does.
	if long[0] > 20*time.Millisecond {
		t.Errorf("createRuntime took at least %v, expected under 20 ms", long[0])
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

// createTime runs a container and returns how long its create hook took.
func createTime(t *testing.T, r *bundleRuntime, root string) time.Duration {
	t.Helper()
	before, after := filepath.Join(r.place.dir, "before"), filepath.Join(r.place.dir, "after")
	j := sh(root, unique("time"), "test -f d0/e0/f7")
	j.edit = func(s *specs.Spec) {
		stamp := func(file string) specs.Hook {
			return specs.Hook{Path: "/bin/sh", Args: []string{"sh", "-c", "exec date +%s%N > " + file}, Env: []string{"PATH=/usr/bin:/bin"}}
		}
		s.Hooks.CreateRuntime = append(append([]specs.Hook{stamp(before)}, s.Hooks.CreateRuntime...), stamp(after))
	}
	succeed(t, r, j)
	r.place.complete(t, j.run)
	return readStamp(t, after).Sub(readStamp(t, before))
}

func readStamp(t *testing.T, file string) time.Time {
	t.Helper()
	b, err := os.ReadFile(file)
	must(t, err)
	ns, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
	must(t, err)
	return time.Unix(0, ns)
}

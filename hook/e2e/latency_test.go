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
// measured between two other hooks, and so includes the start of the second, whose time is measured too.
//
// The limit in milliseconds holds for a host that has nothing else to do. Beside other tests no processor is ever idle, and
// only the growth is checked; .ci/test runs this test once more alone. Hosts that share their disk or processors with others
// are slow for seconds at a time, which no median evens out: of three rounds one must keep the limit.
func TestCreateRuntimeTime(t *testing.T) {
	const limit = 20 * time.Millisecond
	const quiet = 0.1 // of all processor time idle: one container at a time leaves far more
	r := newRunc(t, nil)
	few, many := r.place.storeMany(t, 10), r.place.storeMany(t, 100_000)
	for range 3 {
		m := measureCreate(t, r, few, many)
		t.Log(m)
		if m.many > 2*m.few+5*time.Millisecond {
			t.Errorf("createRuntime grows with the inputs: %v with 10, %v with 100,000", m.few, m.many)
		}
		if m.many <= limit || m.idle < quiet {
			return
		}
	}
	t.Errorf("createRuntime took longer than %v on an idle host", limit)
}

// createTimes are medians, and the share of processor time that was idle.
type createTimes struct {
	few, many, other time.Duration
	idle             float64
}

func (m createTimes) String() string {
	return fmt.Sprintf("createRuntime, median of %d: %.1f ms with 10 inputs, %.1f ms with 100,000 (another hook: %.1f ms, processors idle: %.0f %%)",
		createRounds, ms(m.few), ms(m.many), ms(m.other), 100*m.idle)
}

const createRounds = 11

func measureCreate(t *testing.T, r *bundleRuntime, few, many string) createTimes {
	t.Helper()
	var short, long, other []time.Duration
	before := readCPU(t)
	for range createRounds { // in turn, because the host's noise comes and goes
		for root, times := range map[string]*[]time.Duration{few: &short, many: &long} {
			ours, stamp := createTime(t, r, root)
			*times, other = append(*times, ours), append(other, stamp)
		}
	}
	idle := readCPU(t).idleSince(before)
	for _, times := range [][]time.Duration{short, long, other} {
		slices.Sort(times)
	}
	return createTimes{short[createRounds/2], long[createRounds/2], other[createRounds], idle}
}

// cpu is what all processors together have done since the host started, in ticks.
type cpu struct{ total, idle float64 }

// readCPU reads the first line of /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal.
func readCPU(t *testing.T) cpu {
	t.Helper()
	b, err := os.ReadFile("/proc/stat")
	must(t, err)
	line, _, _ := strings.Cut(string(b), "\n")
	var c cpu
	for i, field := range strings.Fields(line)[1:9] {
		ticks, err := strconv.ParseFloat(field, 64)
		must(t, err)
		c.total += ticks
		if i == 3 || i == 4 {
			c.idle += ticks
		}
	}
	return c
}

func (c cpu) idleSince(before cpu) float64 { return (c.idle - before.idle) / (c.total - before.total) }

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

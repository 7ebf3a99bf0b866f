package conformance

import (
	"flag"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var (
	sequences = flag.Int("sequences", 2000, "how many `sequences` the model test runs on each driver")
	seed      = flag.Uint64("seed", 1, "the `seed` of the model test's first sequence; the next one has the next (0: any)")
)

// Whatever a job does, it finds what it would find on a local disk, and the result says what it has left.
func TestModel(t *testing.T) {
	onEachDriver(t, func(t *testing.T, driver string) {
		modelTest(t, options{driver: driver}, *sequences)
	})
}

// A daemon that can do one thing at a time must not wait for itself.
func TestModelOneProcessor(t *testing.T) {
	onEachDriver(t, func(t *testing.T, driver string) {
		modelTest(t, options{driver: driver, gomaxprocs: 1}, fewer())
	})
}

// As for a rootless container: marks are in other attributes there.
func TestModelInUserNamespace(t *testing.T) {
	if !inUserNamespace(t) {
		return
	}
	onEachDriver(t, func(t *testing.T, driver string) {
		modelTest(t, options{driver: driver}, fewer())
	})
}

// Inside most containers the state directory is on overlayfs, where overlay can't have its upper directory.
func TestModelOnOverlayfs(t *testing.T) {
	onEachDriver(t, func(t *testing.T, driver string) {
		if driver == "overlay" {
			t.Skip("overlayfs takes no upper directory on overlayfs")
		}
		modelTest(t, options{driver: driver, state: filepath.Join(onOverlayfs(t), "state")}, fewer())
	})
}

// The kernel forgets what it has no room for, under the view's files, too.
func TestModelShortOfMemory(t *testing.T) {
	mayDropInodes(t)
	onEachDriver(t, func(t *testing.T, driver string) {
		modelTest(t, options{driver: driver, shortOfMemory: true}, fewer())
	})
}

// fewer is how many sequences are enough where only the surroundings differ.
func fewer() int { return max(1, *sequences/10) }

// modelTest runs n sequences, so many of them at a time on one view.
func modelTest(t *testing.T, o options, n int) {
	const atOnce = 500
	first := *seed
	if first == 0 {
		first = rand.Uint64N(1_000_000_000)
	}
	t.Logf("%d sequences from seed %d on", n, first)
	began, excused := time.Now(), map[string]int{}
	ran, steps, worked := 0, 0, 0
	for ran < n && !t.Failed() {
		for _, d := range modelBatch(t, o, first+uint64(ran), min(n-ran, atOnce)) {
			ran++
			steps, worked = steps+len(d.steps), worked+d.worked
			for name, times := range d.excused {
				excused[name] += times
			}
		}
	}
	t.Logf("%d sequences with %d steps, of which %d were no errors, in %.1f s", ran, steps, worked, time.Since(began).Seconds())
	for _, name := range slices.Sorted(maps.Keys(excused)) {
		t.Logf("excused: %s: %d times", name, excused[name])
	}
}

// modelBatch runs n sequences side by side on one view, and then looks at all that they have left.
func modelBatch(t *testing.T, o options, first uint64, n int) []*done {
	t.Helper()
	place := newField(t, o, n)
	all, failed := sideBySide(n, func(i int) (*done, *failure) { return place.runSeed(i, first+uint64(i)) })
	if failed == nil {
		failed = place.lookAgain(t, first, all)
	}
	if failed != nil {
		pattern := strings.ReplaceAll(t.Name(), "/", "$/^")
		t.Errorf("%sagain: go test ./fsd/conformance -run '^%s$' -sequences 1 -seed %d", failed, pattern, failed.seed)
		t.Logf("shorter: %s", shrink(t, o, failed))
		return nil
	}
	if what := checkResult(place.left, modelView(n), place.m.End(), all[0].numbered); what != "" {
		t.Errorf("seeds %d to %d: the result:\n%s", first, first+uint64(n)-1, what)
	}
	return all
}

// lookAgain looks at all sequences from another process, when the kernel has forgotten the view. It returns the first that
// is not as it was seen before.
func (f *field) lookAgain(t *testing.T, first uint64, all []*done) *failure {
	t.Helper()
	must(t, f.forget())
	var err error
	f.left, err = lookElsewhere(f.m.Dir)
	must(t, err)
	for i, d := range all {
		if what := compareAgain(d.tree, part(f.left, parent(sequenceDir(i))), d.numbered); what != "" {
			return &failure{seed: first + uint64(i), looked: d.looked, steps: d.steps, problem: "another process has seen later: " + what}
		}
	}
	return nil
}

// part is what a snapshot of the directory alone would be.
func part(all []node, dir string) []node {
	var some []node
	for _, n := range all {
		if rest, ok := strings.CutPrefix(n.Path+"/", dir+"/"); ok {
			n.Path = strings.TrimSuffix(rest, "/")
			some = append(some, n)
		}
	}
	return some
}

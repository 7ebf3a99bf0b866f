package e2e

import (
	"fmt"
	"strings"
	"sync"
	"testing"
)

// 64 containers at once on one host and one root filesystem, each with inputs and a result of its own.
func TestManyContainersAtOnce(t *testing.T) {
	const containers = 64
	r := newRunc(t, nil)
	jobs := make([]job, containers)
	var inputs []string
	for i := range containers {
		inputs = append(inputs, r.place.store(t, file{path: "mine", content: fmt.Sprintf("input of %d\n", i)}, file{path: "shared/all", content: "the same for all\n"}))
		jobs[i] = sh(inputs[i], unique(fmt.Sprintf("many%d", i)), "cat mine shared/all > out; echo same > same; head -c 100000 /dev/urandom > random; cat mine")
	}
	processes := make([]*process, containers)
	outcomes := make([]outcome, containers)
	for i, j := range jobs {
		processes[i] = start(t, r.command(t, j))
	}
	var all sync.WaitGroup
	for i, p := range processes {
		all.Go(func() { outcomes[i] = p.end() })
	}
	all.Wait()
	for i, j := range jobs {
		o := outcomes[i]
		if o.err != nil || o.code != 0 || o.stdout != fmt.Sprintf("input of %d\n", i) {
			t.Errorf("container %d: exit %d, stdout %q, stderr %q", i, o.code, o.stdout, o.stderr)
			continue
		}
		got := r.place.complete(t, j.run)
		wantPaths(t, "hashed_files", outputPaths(got), "out", "random", "same")
		wantPaths(t, "inputs", got.Inputs, "mine", "shared/all")
		if e := wantEntry(t, got, "out", "file"); e.Hash.Hex() != sha256Hex(o.stdout+"the same for all\n") || got.InputsRoot.String() != inputs[i] {
			t.Errorf("container %d: %s from %s", i, e.Hash, got.InputsRoot)
		}
	}
	for _, j := range jobs {
		nothingLeft(t, r, j.run)
	}
	if strings.Contains(strings.Join(names(t, r.image), " "), "workspace") {
		t.Error("left behind: /workspace in the root filesystem")
	}
}

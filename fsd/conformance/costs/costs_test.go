package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// Every operation works in every column.
func TestOperations(t *testing.T) {
	r := measured(t, programs(t), "-requests=false", "-percent", "1", "-rounds", "1")
	if len(r.Operations) != len(operations()) {
		t.Errorf("%d operations, want %d", len(r.Operations), len(operations()))
	}
	for _, op := range r.Operations {
		var got []string
		for _, c := range op.Costs {
			got = append(got, c.Column)
			if c.Median <= 0 || c.Min > c.Median || c.Max < c.Median || c.ToPlain <= 0 {
				t.Errorf("%s: %+v", op.Name, c)
			}
		}
		for _, c := range columns() {
			if r.LeftOut[c.Name] == "" && !slices.Contains(got, c.Name) {
				t.Errorf("%s: no %s", op.Name, c.Name)
			}
		}
	}
	for _, must := range []string{"plain", "fuse cached"} {
		if why := r.LeftOut[must]; why != "" {
			t.Errorf("%s is left out: %s", must, why)
		}
	}
}

// What is done before an operation is not counted with it.
func TestRequests(t *testing.T) {
	bin := programs(t)
	cases := []struct {
		operation, column string
		want              requests
	}{
		{"open, read, close a 4 KiB input: first time", "fuse cached", requests{"lookup": 1, "read": 1}},
		{"open, read, close a 4 KiB input: again", "fuse cached", requests{}},
		{"open, read, close a 4 KiB input: again", "plain", nil},
		{"reopen, read, close what was written: again", "fuse cached", requests{}},
	}
	var wrong []string
	for range 3 { // something on the host may make the kernel drop its caches
		r := measured(t, bin, "-percent", "1", "-rounds", "1", "-only", "read, close.*(input|again)")
		wrong = nil
		for _, c := range cases {
			if got := r.requests(t, c.operation, c.column); (got == nil) != (c.want == nil) || !maps.Equal(got, c.want) {
				wrong = append(wrong, fmt.Sprintf("%s: %s: requests %v, want %v", c.operation, c.column, got, c.want))
			}
		}
		if wrong == nil {
			return
		}
	}
	t.Error(strings.Join(wrong, "\n"))
}

func (r *report) requests(t *testing.T, operation, column string) requests {
	t.Helper()
	for _, op := range r.Operations {
		for _, c := range op.Costs {
			if op.Name == operation && c.Column == column {
				return c.Requests
			}
		}
	}
	t.Fatalf("%s: %s: not measured", operation, column)
	return nil
}

// programs builds what is measured and what measures it.
func programs(t *testing.T) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("mounting needs root")
	}
	if _, err := os.Stat("/dev/fuse"); err != nil {
		t.Skip(err)
	}
	bin := t.TempDir()
	build := exec.Command("go", "build", "-buildvcs=false", "-o", bin+"/",
		".", "../../../cmd/casview", "../../../cmd/casview-fsd")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return bin
}

// measured runs the program, with the others beside it, and returns what it says. Nothing else is left of it.
func measured(t *testing.T, bin string, args ...string) (r report) {
	t.Helper()
	dir := t.TempDir()
	args = append([]string{"-dir", dir, "-filesystem", "", "-json", "-timeout", "5m"}, args...)
	cmd := exec.Command(filepath.Join(bin, "costs"), args...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("costs: %v\n%s", err, stderr.String())
	}
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	if list, err := os.ReadDir(dir); err != nil || len(list) > 0 {
		t.Errorf("left behind: %v, %v", list, err)
	}
	return r
}

// Ratios compare what was measured in the same round.
func TestReport(t *testing.T) {
	us := func(list ...float64) (all []time.Duration) {
		for _, x := range list {
			all = append(all, time.Duration(x*1000))
		}
		return all
	}
	b := &bench{
		operations: []operation{{name: "stat", ops: 10}},
		columns:    []column{{Name: "plain"}, {Name: "overlay"}, {Name: "fuse cached"}},
		leftOut:    map[string]string{"fuse passthrough": "the kernel is old"},
		times:      [][][]time.Duration{{us(1, 10, 100), us(2, 20, 200), us(5, 50, 600)}},
		requests:   [][]requests{{nil, {}, {"read": 1, "lookup": 2.1234}}},
	}
	var r report
	if err := r.fill(b); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := r.writeTable(&out); err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(out.String(), "no fuse passthrough here: the kernel is old\n")
	const want = `
                      median       min       max   /overlay    /plain   requests
stat
  plain                 10.0      1.00       100      0.50       1.00
  overlay               20.0      2.00       200      1.00       2.00   none
  fuse cached           50.0      5.00       600      2.50*      5.00   lookup 2.12, read 1
`
	if table != want {
		t.Errorf("table\n%s\nwant\n%s", table, want)
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		all  []float64
		want float64
	}{{[]float64{7}, 7}, {[]float64{9, 1, 2}, 2}, {[]float64{4, 1, 9, 2}, 3}} {
		if got := median(c.all); got != c.want {
			t.Errorf("median of %v is %v, want %v", c.all, got, c.want)
		}
	}
}

// What is counted must be there for a round, too, and in whole directories.
func TestOperationsAreMultiples(t *testing.T) {
	seen := map[string]bool{}
	for _, op := range operations() {
		if op.ops%op.step != 0 || op.few%op.step != 0 || 2*op.few > op.ops || seen[op.name] {
			t.Errorf("%s: ops %d, few %d, step %d, twice: %v", op.name, op.ops, op.few, op.step, seen[op.name])
		}
		seen[op.name] = true
	}
}

func TestParseRefuses(t *testing.T) {
	for _, args := range [][]string{{"DIR"}, {"-rounds", "0"}, {"-percent", "0"}, {"-percent", "101"}} {
		if o, err := parse(args); err == nil {
			t.Errorf("%v: %+v", args, o)
		}
	}
}

// What was begun is taken away when somebody gives up.
func TestGivesUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := t.TempDir()
	s, err := newSite(ctx, options{dir: dir})
	if err == nil {
		t.Error("no error", s.remove())
	}
	if list, err := os.ReadDir(dir); err != nil || len(list) > 0 {
		t.Error(fmt.Sprint(list), err)
	}
}

package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// report is everything that is printed.
type report struct {
	Casview    string `json:"casview"` // its version
	Kernel     string `json:"kernel"`
	CPUs       int    `json:"cpus"`
	Filesystem string `json:"filesystem"`
	// LoadBefore and LoadAfter are load averages of a minute.
	LoadBefore string            `json:"load_before"`
	LoadAfter  string            `json:"load_after"`
	Rounds     int               `json:"rounds"`
	LeftOut    map[string]string `json:"left_out"` // columns, and why
	Operations []row             `json:"operations"`
}

type row struct {
	Name string `json:"name"`
	// Times is how often the operation was done in each round.
	Times int    `json:"times"`
	Costs []cost `json:"costs"`
}

// cost is what one operation takes in one column. Times are in microseconds. Ratios compare the times of each round, of
// which they are the median; they are 0 where there is nothing to compare with.
// Requests are null for a plain directory, and where they were not counted.
type cost struct {
	Column    string   `json:"column"`
	Median    float64  `json:"median_us"`
	Min       float64  `json:"min_us"`
	Max       float64  `json:"max_us"`
	ToOverlay float64  `json:"to_overlay"`
	ToPlain   float64  `json:"to_plain"`
	Requests  requests `json:"requests"`
}

// newReport notes what is so before the measuring.
func newReport(ctx context.Context, s *site, rounds int) (*report, error) {
	version, err := s.casview(ctx, "version")
	if err != nil {
		return nil, err
	}
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return nil, fmt.Errorf("uname: %w", err)
	}
	var st unix.Statfs_t
	if err := unix.Statfs(s.dir, &st); err != nil {
		return nil, &os.PathError{Op: "statfs", Path: s.dir, Err: err}
	}
	load, err := loadAverage()
	return &report{
		Casview: version, Kernel: unix.ByteSliceToString(name.Release[:]), CPUs: runtime.NumCPU(),
		Filesystem: filesystem(st.Type), LoadBefore: load, Rounds: rounds,
	}, err
}

func filesystem(magic int64) string {
	names := map[int64]string{
		unix.EXT4_SUPER_MAGIC: "ext4", unix.XFS_SUPER_MAGIC: "xfs", unix.BTRFS_SUPER_MAGIC: "btrfs",
		unix.TMPFS_MAGIC: "tmpfs", unix.OVERLAYFS_SUPER_MAGIC: "overlayfs",
	}
	return cmp.Or(names[magic], "filesystem "+strconv.FormatInt(magic, 16))
}

func loadAverage() (string, error) {
	b, err := os.ReadFile("/proc/loadavg")
	load, _, _ := strings.Cut(string(b), " ")
	return load, err
}

// fill adds what was measured.
func (r *report) fill(b *bench) (err error) {
	r.LeftOut = b.leftOut
	for i, op := range b.operations {
		list := row{Name: op.name, Times: op.ops}
		for k, c := range b.columns {
			one := newCost(b.times[i][k])
			if one.Column = c.Name; b.requests != nil {
				one.Requests = b.requests[i][k]
			}
			one.ToOverlay = b.ratio(i, k, "overlay")
			one.ToPlain = b.ratio(i, k, "plain")
			list.Costs = append(list.Costs, one)
		}
		r.Operations = append(r.Operations, list)
	}
	r.LoadAfter, err = loadAverage()
	return err
}

func newCost(rounds []time.Duration) cost {
	var all []float64
	for _, t := range rounds {
		all = append(all, float64(t)/float64(time.Microsecond))
	}
	return cost{Median: median(all), Min: slices.Min(all), Max: slices.Max(all)}
}

// ratio compares operation i in column k with the one in another column, 0 if that is left out.
func (b *bench) ratio(i, k int, to string) float64 {
	other := slices.IndexFunc(b.columns, func(c column) bool { return c.Name == to })
	if other < 0 {
		return 0
	}
	var all []float64
	for round, t := range b.times[i][k] {
		all = append(all, float64(t)/float64(max(1, b.times[i][other][round])))
	}
	return median(all)
}

// median returns the one in the middle, or the mean of the two.
func median(all []float64) float64 {
	s := slices.Sorted(slices.Values(all))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

func (r *report) writeJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// tooMuch is the ratio to overlay above which a cost is marked.
const tooMuch = 2

func (r *report) writeTable(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "casview %s on Linux %s, %d CPUs, %s; load average %s before, %s after\n",
		r.Casview, r.Kernel, r.CPUs, r.Filesystem, r.LoadBefore, r.LoadAfter)
	fmt.Fprintf(&b, "microseconds for one operation in %d rounds; ratios are medians of the rounds' ratios\n", r.Rounds)
	fmt.Fprintf(&b, "requests are those of one operation to casview's daemon; * is above %d times overlay\n", tooMuch)
	for _, c := range slices.Sorted(maps.Keys(r.LeftOut)) {
		fmt.Fprintf(&b, "no %s here: %s\n", c, r.LeftOut[c])
	}
	fmt.Fprintf(&b, "\n%-18s%10s%10s%10s%11s%10s   %s\n", "", "median", "min", "max", "/overlay", "/plain", "requests")
	for _, op := range r.Operations {
		fmt.Fprintf(&b, "%s\n", op.Name)
		for _, c := range op.Costs {
			mark := " "
			if c.ToOverlay > tooMuch {
				mark = "*"
			}
			line := fmt.Sprintf("  %-16s%10s%10s%10s%10s%s%10s   %s", c.Column, micros(c.Median), micros(c.Min), micros(c.Max),
				ratio(c.ToOverlay), mark, ratio(c.ToPlain), c.Requests)
			fmt.Fprintf(&b, "%s\n", strings.TrimRight(line, " "))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// micros shows three digits at least.
func micros(us float64) string {
	switch {
	case us < 10:
		return strconv.FormatFloat(us, 'f', 2, 64)
	case us < 100:
		return strconv.FormatFloat(us, 'f', 1, 64)
	default:
		return strconv.FormatFloat(us, 'f', 0, 64)
	}
}

func ratio(x float64) string {
	if x == 0 {
		return "-"
	}
	return strconv.FormatFloat(x, 'f', 2, 64)
}

// String shows the kinds by name. A fraction is rounded to two digits.
func (r requests) String() string {
	if r == nil {
		return ""
	}
	if len(r) == 0 {
		return "none"
	}
	var all []string
	for _, kind := range slices.Sorted(maps.Keys(r)) {
		all = append(all, kind+" "+strconv.FormatFloat(math.Round(r[kind]*100)/100, 'f', -1, 64))
	}
	return strings.Join(all, ", ")
}

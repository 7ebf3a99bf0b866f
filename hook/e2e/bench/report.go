package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// schema names the form of the JSON file.
const schema = "casview.bench/v1"

// report is everything that is printed or written. Times are in seconds, sizes in bytes.
type report struct {
	Schema     string `json:"schema"`
	Casview    string `json:"casview"` // its version
	Kernel     string `json:"kernel"`
	CPUs       int    `json:"cpus"`
	CPU        string `json:"cpu"`
	Filesystem string `json:"filesystem"`
	// LoadBefore and LoadAfter are load averages of a minute: what others did.
	LoadBefore string      `json:"load_before"`
	LoadAfter  string      `json:"load_after"`
	Rounds     int         `json:"rounds"`
	Quick      bool        `json:"quick"`
	Seconds    float64     `json:"seconds"`
	Rows       []reportRow `json:"rows"`
	Peers      []reportRow `json:"peers,omitempty"` // what Rows has no line for: see copied

	start time.Time
}

// reportRow is a line of the table.
type reportRow struct {
	Row     int      `json:"row"`
	What    string   `json:"what"`
	Kind    string   `json:"kind"` // of the figures: ratio, difference or absolute
	Unit    string   `json:"unit"` // of the values: s, bytes or "" for a ratio
	Rounds  int      `json:"rounds"`
	Native  *spread  `json:"native,omitempty"`
	Figures []figure `json:"figures"`
	// Values are those of each round, by column.
	Values map[string][]float64 `json:"values"`
	// Requests are those that one job made the kernel send to the daemon in the last round, with all of the row's steps.
	Requests map[string]map[string]uint64 `json:"requests,omitempty"`
	Failed   string                       `json:"failed,omitempty"`

	overlay, fuse       *figure
	fuseOverlayfs, bind *figure // peers
	measure             measure
}

// newReport notes what is so before the measuring.
func newReport(b *bench) (*report, error) {
	version, err := b.main.casview(context.Background(), "version")
	if err != nil {
		return nil, err
	}
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return nil, fmt.Errorf("uname: %w", err)
	}
	var st unix.Statfs_t
	if err := unix.Statfs(b.path(""), &st); err != nil {
		return nil, &os.PathError{Op: "statfs", Path: b.path(""), Err: err}
	}
	load, err := loadAverage()
	return &report{
		Schema: schema, Casview: version, Kernel: unix.ByteSliceToString(name.Release[:]),
		CPUs: runtime.NumCPU(), CPU: cpuModel(), Filesystem: filesystem(st.Type), LoadBefore: load,
		Rounds: b.rounds, Quick: b.quick, start: time.Now(),
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

// cpuModel is "" where /proc/cpuinfo does not say.
func cpuModel() string {
	b, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	_, rest, _ := strings.Cut(string(b), "model name")
	_, rest, _ = strings.Cut(rest, ":")
	model, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(model)
}

// fill adds what was measured.
func (r *report) fill(b *bench) (err error) {
	for _, measured := range b.measured {
		for _, m := range measured.measures {
			r.Rows = append(r.Rows, measured.report(m))
		}
		if b.peers && measured.peers {
			r.Peers = append(r.Peers, measured.report(copied(measured.row)))
		}
	}
	r.Seconds = time.Since(r.start).Seconds()
	r.LoadAfter, err = loadAverage()
	return err
}

func (r *measuredRow) report(m measure) reportRow {
	line := reportRow{
		Row: m.row(r.row), What: m.what, Kind: m.kind.String(), Unit: m.unit.String(), Rounds: r.rounds, Native: r.base(m),
		fuse: r.figure(m, cmp.Or(m.fuse.name, fuse.name)), measure: m,
		Requests: r.requests, Values: map[string][]float64{}, Figures: []figure{},
	}
	if m.fuse.name == "" {
		line.overlay = r.figure(m, overlay.name)
		line.fuseOverlayfs, line.bind = r.figure(m, fuseOverlayfs.name), r.figure(m, bindMount.name)
	}
	if r.failed != nil {
		line.Failed = r.failed.Error()
	}
	for column, steps := range r.samples {
		if all := steps[m.step]; len(all) > 0 {
			line.Values[column] = all
		}
		if f := r.figure(m, column); f != nil {
			line.Figures = append(line.Figures, *f)
		}
	}
	return line
}

// String implements fmt.Stringer.
func (k kind) String() string { return [...]string{"ratio", "difference", "absolute"}[k] }

// String implements fmt.Stringer.
func (u unit) String() string { return [...]string{"s", "bytes", ""}[u] }

func (r *report) writeJSON(path string) error {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o644)
}

package install

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
)

// ByHand is what an administrator would add to the file, "" where nothing is left to them.
func (f File) ByHand() string {
	if f.Action != ByHand || f.change == nil {
		return ""
	}
	return f.change.byHand()
}

// Diff is the unified diff from what the file holds to what it shall hold, "" where there is none to show.
func (f File) Diff() string {
	switch f.Action {
	case Replace, Edit, Restore:
		if f.Old == nil {
			return ""
		}
		// Its first line names the files, as the next two do.
		_, text, _ := strings.Cut(string(diff.Diff(f.Path, f.Old, f.Path, f.Content)), "\n")
		return text
	}
	return ""
}

// Detail is what a dry run shows of the file below its line: all of a new one, and what would change in another one.
func (f File) Detail() string {
	switch {
	case f.Why != "":
		return f.Why + "\n"
	case f.For != nil:
		return "for " + strings.Join(f.For, " and ") + "\n"
	case f.Action == Create && f.Source != "":
		return "copy of " + f.Source + "\n"
	case f.Action == Create:
		return string(f.Content)
	case f.Action == Replace && f.Source != "":
		return "newer copy of " + f.Source + "\n"
	}
	return f.Diff()
}

// Changes tells whether carrying the plan out changes anything.
func (p *Plan) Changes() bool {
	return slices.ContainsFunc(p.Files, File.changes)
}

func (f File) changes() bool { return f.Action != Keep && f.Action != ByHand }

// Record is the file that says what is installed.
func (p *Plan) Record() (string, error) { return p.options.recordFile() }

// Incomplete is an error that names the files that are left to the administrator; nil when there are none.
func (p *Plan) Incomplete() error {
	var left []string
	for _, f := range p.Files {
		if f.Action == ByHand {
			left = append(left, f.Path)
		}
	}
	if left == nil {
		return nil
	}
	return fmt.Errorf("not complete without a change to %s, see above", strings.Join(left, ", "))
}

// FileJSON is a file of a plan for scripts.
type FileJSON struct {
	Action  Action   `json:"action"`
	Path    string   `json:"path"`
	Mode    string   `json:"mode,omitempty"`
	Why     string   `json:"why,omitempty"`
	For     []string `json:"for,omitempty"`
	Source  string   `json:"source,omitempty"`
	Content string   `json:"content,omitempty"`
	Diff    string   `json:"diff,omitempty"`
	ByHand  string   `json:"by_hand,omitempty"`
}

// JSON is the file for scripts: content for one that is made, diff for one that is changed.
func (f File) JSON() FileJSON {
	out := FileJSON{Action: f.Action, Path: f.Path, Why: f.Why, For: f.For, Diff: f.Diff(), ByHand: f.ByHand()}
	if f.Action == Create {
		out.Mode, out.Source, out.Content = modeText(f.Mode), f.Source, string(f.Content)
	}
	return out
}

func modeText(m fs.FileMode) string { return fmt.Sprintf("%04o", m.Perm()) }

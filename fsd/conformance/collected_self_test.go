package conformance

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/fsd/result"
)

// checkResult finds whatever a result says wrongly.
func TestCheckResult(t *testing.T) {
	in := inputs{
		"kept": {content: "kept"}, "changed": {content: "old"}, "gone/a": {content: "a"}, "moved/b": {content: "b"}, "link": {symlink: "kept"},
	}
	m := mountView(t, options{driver: "overlay", inputs: in})
	must(t, runJob(m.Dir, "write changed\n removeAll gone\n rename moved there\n write new\n link new second\n symlink kept made\n mkdir dir"))
	must(t, unix.Mkfifo(m.Dir+"/fifo", 0o600))
	left, err := snapshot(m.Dir, viewStat)
	must(t, err)
	right := m.End()
	if what := checkResult(left, in, right, true); what != "" {
		t.Fatal(what)
	}
	edit := func(path string, change func(*result.Entry)) func(*result.Result) {
		return func(r *result.Result) {
			for i := range r.HashedFiles {
				if r.HashedFiles[i].Path == path {
					change(&r.HashedFiles[i])
				}
			}
		}
	}
	drop := func(list *[]result.Path, path result.Path) {
		*list = slices.DeleteFunc(slices.Clone(*list), func(p result.Path) bool { return p == path })
	}
	for want, wrong := range map[string]func(*result.Result){
		`"changed": content`:                    edit("changed", func(e *result.Entry) { e.Hash = cas.Sum(cas.SHA256, nil) }),
		`"new": mode`:                           edit("new", func(e *result.Entry) { e.Mode = 0 }),
		`"dir": mtime`:                          edit("dir", func(e *result.Entry) { e.MtimeNsec++ }),
		`"made": target`:                        edit("made", func(e *result.Entry) { e.Target = "new" }),
		`"there": type`:                         edit("there", func(e *result.Entry) { e.Kind = result.File }),
		`"second" is another name of "new"`:     edit("second", func(e *result.Entry) { e.Kind = result.File }),
		`"new" is listed as a hardlink`:         edit("new", func(e *result.Entry) { e.Kind = result.Hardlink }),
		`"none" is an output and not there`:     func(r *result.Result) { r.HashedFiles = append(r.HashedFiles, result.Entry{Path: "none"}) },
		`"dir" is neither output nor input`:     edit("dir", func(e *result.Entry) { e.Path = "no dir" }),
		`"changed" is an output and an input`:   func(r *result.Result) { drop(&r.ModifiedInputs, "changed") },
		`"kept" is in modified_inputs and is`:   func(r *result.Result) { r.ModifiedInputs = append(r.ModifiedInputs, "kept") },
		`"new" is in modified_inputs: declared`: func(r *result.Result) { r.ModifiedInputs = append(r.ModifiedInputs, "new") },
		`"gone/a": there false`:                 func(r *result.Result) { drop(&r.DeletedInputs, "gone/a") },
		`"kept": there true`:                    func(r *result.Result) { r.DeletedInputs = append(r.DeletedInputs, "kept") },
		`"x" is in deleted_inputs and was not`:  func(r *result.Result) { r.DeletedInputs = append(r.DeletedInputs, "x") },
		`"fifo" is a special file`:              func(r *result.Result) { r.Skipped = nil },
		`"kept" is skipped and no special`:      func(r *result.Result) { r.Skipped = append(r.Skipped, result.Skipped{Path: "kept"}) },
	} {
		bad := *right
		bad.HashedFiles = slices.Clone(right.HashedFiles)
		bad.ModifiedInputs, bad.DeletedInputs = slices.Clip(right.ModifiedInputs), slices.Clip(right.DeletedInputs)
		wrong(&bad)
		bad.HashedFiles.Sort()
		if got := checkResult(left, in, &bad, true); !strings.Contains(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

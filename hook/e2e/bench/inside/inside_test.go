package inside

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// tree makes files of one page, as Read and Append expect them, and one that Large reads.
func tree(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	b := make([]byte, Page)
	for i := range 6 {
		must(t, os.MkdirAll(filepath.Dir(Name(i, 3)), 0o755))
		Fill(b, uint64(i))
		must(t, os.WriteFile(Name(i, 3), b, 0o644))
	}
	large := make([]byte, 64*Page)
	Fill(large, 0)
	must(t, os.WriteFile("large", large, 0o644))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// do does tasks as the program does in a container.
func do(t *testing.T, tasks ...Task) (Report, error) {
	t.Helper()
	args, err := Args(tasks)
	must(t, err)
	var out bytes.Buffer
	if err := Main(args, &out); err != nil {
		return Report{}, err
	}
	var r Report
	must(t, json.Unmarshal(out.Bytes(), &r))
	return r, nil
}

func tasks() map[string]Task {
	empty := ""
	return map[string]Task{
		"read":    {Read: &Read{Files: 6, InEach: 3, Passes: 2}},
		"walk":    {Walk: &Walk{Files: 7, Passes: 2}},
		"large":   {Large: &Large{Pages: 64, Random: 64, Passes: 2}},
		"files":   {Files: &Files{Dir: "made", Files: 6, InEach: 3, Pages: 4, First: 100}},
		"append":  {Append: &Append{Dir: ".", Files: 6, InEach: 3, Pages: 1}},
		"write":   {Write: &Write{File: "new", Pages: 64, First: 100}},
		"command": {Command: &Command{Step: "true", Args: []string{"true"}, Want: &empty}},
		"digest":  {Digest: &Digest{Note: "all", Dir: "."}},
	}
}

func TestSteps(t *testing.T) {
	for name, want := range map[string][]string{
		"read": {"again", "first"}, "walk": {"again", "first"}, "large": {"again", "first", "mmap", "pread"},
		"files": {"append", "create", "rename", "unlink"}, "append": {"append to inputs"}, "write": {"write"},
		"command": {"true"}, "digest": nil,
	} {
		t.Run(name, func(t *testing.T) {
			tree(t)
			r, err := do(t, tasks()[name])
			must(t, err)
			var steps []string
			for step, seconds := range r.Steps {
				steps = append(steps, step)
				if seconds <= 0 {
					t.Errorf("%s took %v s", step, seconds)
				}
			}
			slices.Sort(steps)
			if !slices.Equal(steps, want) {
				t.Errorf("steps %q, want %q", steps, want)
			}
			if (r.Notes["all"] != "") != (name == "digest") {
				t.Errorf("notes %q", r.Notes)
			}
		})
	}
}

// A task on a tree that is not as it must be is an error, and no figure.
func TestWrongTrees(t *testing.T) {
	change := func(path string, at int64) func(*testing.T) {
		return func(t *testing.T) {
			f, err := os.OpenFile(path, os.O_WRONLY, 0)
			must(t, err)
			_, err = f.WriteAt([]byte("x"), at)
			must(t, err)
			must(t, f.Close())
		}
	}
	for _, c := range []struct {
		name, task, err string
		spoil           func(*testing.T)
	}{
		{"content", "read", "d001/f001 has other contents", change(Name(4, 3), 0)},
		{"content further on", "read", "d001/f001 has other contents", change(Name(4, 3), Page-1)},
		{"missing", "read", "open d000/f001: no such file", func(t *testing.T) { must(t, os.Remove(Name(1, 3))) }},
		{"short", "read", "read: 10 of 4096 bytes", func(t *testing.T) { must(t, os.Truncate(Name(1, 3), 10)) }},
		{"too few files", "walk", "6 files, expected 7", func(t *testing.T) { must(t, os.Remove(Name(1, 3))) }},
		{"page", "large", "page 40 has other contents", change("large", 40*Page)},
		{"appended to", "append", "d001/f001 has other contents", change(Name(4, 3), 100)},
		{"there already", "write", "open new: file exists", func(t *testing.T) {
			must(t, os.WriteFile("new", nil, 0o644))
		}},
		{"there already", "files", "open made/d000/f000: file exists", func(t *testing.T) {
			must(t, os.MkdirAll("made/d000", 0o755))
			must(t, os.WriteFile("made/d000/f000", nil, 0o644))
		}},
	} {
		t.Run(c.task+"/"+c.name, func(t *testing.T) {
			tree(t)
			c.spoil(t)
			if _, err := do(t, tasks()[c.task]); err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("error %v, want %q", err, c.err)
			}
		})
	}
}

func TestFailingCommands(t *testing.T) {
	something := "something"
	for _, c := range []struct {
		command Command
		err     string
	}{
		{Command{Args: []string{"sh", "-c", "echo why >&2; exit 3"}}, "exit status 3: why"},
		{Command{Args: []string{"echo", "else"}, Want: &something}, `printed "else", expected "something"`},
		{Command{Args: []string{"/no/such/program"}}, "no such file"},
	} {
		if _, err := do(t, Task{Command: &c.command}); err == nil || !strings.Contains(err.Error(), c.err) {
			t.Errorf("error %v, want %q", err, c.err)
		}
	}
	if _, err := do(t, Task{}); err == nil {
		t.Error("a task without anything to do is no error")
	}
}

// No two pages are alike, and equal numbers give equal pages.
func TestContent(t *testing.T) {
	seen := map[string]bool{}
	b := make([]byte, 8*Page)
	for _, first := range []uint64{0, 8, 1 << 40} {
		Fill(b, first)
		for at := 0; at < len(b); at += Page {
			seen[string(b[at:at+Page])] = true
			if !startsRight(b[at:], first+uint64(at/Page)) {
				t.Errorf("page %d does not start right", first+uint64(at/Page))
			}
		}
	}
	if len(seen) != 24 {
		t.Errorf("%d different pages of 24", len(seen))
	}
}

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/casview/casview/fsd/result"
	"github.com/casview/casview/hook/e2e/posix"
)

// TestPOSIX runs the tests of package posix in containers, on a view, and then looks at what the results make of it.
// Between them the containers have each staging driver as root and in a user namespace, and both runtimes' ways with mounts.
// Only overlayfs in a user namespace can't rename input directories.
func TestPOSIX(t *testing.T) {
	for _, c := range []struct {
		name  string
		way   staging
		start func(*testing.T, setup) engine
		copy  bool
		edit  func(*specs.Spec)
	}{
		{"Overlay/Runc", onOverlay, startRunc, false, nil},
		{"Overlay/RuncUserNamespace", onOverlay, startRunc, false, withUserNamespace(200_000)},
		{"Overlay/Crun", onOverlay, startCrun, false, nil},
		{"Overlay/PodmanRootless", onOverlay, startPodmanRootless, true, nil},
		{"FUSE/Runc", onFUSE, startRunc, false, nil},
		{"FUSE/RuncUserNamespace", onFUSE, startRunc, false, withUserNamespace(200_000)},
		{"FUSE/Crun", onFUSE, startCrun, false, nil},
		{"FUSE/PodmanRootless", onFUSE, startPodmanRootless, false, nil},
		{"Passthrough/Runc", onPassthrough, startRunc, false, nil},
		{"Passthrough/RuncUserNamespace", onPassthrough, startRunc, false, withUserNamespace(200_000)},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := c.way.start(t, c.start)
			j := posixJob()
			j.edit = c.edit
			if c.copy {
				j.args = slices.Insert(j.args, 1, posix.CopyVariable+"=1")
			}
			if c.edit != nil {
				chownTree(t, e.rootfs(), 200_000)
			}
			posixOn(t, e, j)
		})
	}
}

// posixJob runs the tests in a container.
func posixJob() job {
	return job{
		run: unique("posix"), binds: []bind{{shared.bin, "/job"}},
		args: []string{"/bin/env", posix.DirVariable + "=/workspace", "/job/posix.test", "-test.v", "-test.timeout=90s"},
	}
}

func posixOn(t *testing.T, e engine, j job) {
	s := e.site()
	dir := filepath.Join(s.dir, "fixture")
	must(t, posix.Fixture(dir))
	chownTree(t, dir, s.uid)
	j.inputs = s.ingest(t, dir)
	const overwritten = "0123456789\n"
	var blob, after unix.Stat_t
	must(t, unix.Stat(s.blob(sha256Hex(overwritten)), &blob))
	o := runJob(t, e, j)
	reportInner(t, o)
	must(t, unix.Stat(s.blob(sha256Hex(overwritten)), &after))
	if blob.Ino != after.Ino || blob.Mode != after.Mode || blob.Mtim != after.Mtim || sha256OfFile(t, s.blob(sha256Hex(overwritten))) != sha256Hex(overwritten) {
		t.Errorf("the blob of an input that was written to: %+v, before %+v", after, blob)
	}
	got := s.complete(t, j.run)
	t.Run("Result", func(t *testing.T) { posixResult(t, s, got) })
	t.Run("Materialize", func(t *testing.T) { posixMaterialize(t, s, j.run) })
	nothingLeft(t, e, j.run)
}

// reportInner makes each test that ran in the container a subtest of this one.
func reportInner(t *testing.T, o outcome) {
	t.Helper()
	ran := 0
	for line := range strings.Lines(o.stdout) {
		verdict, rest, ok := strings.Cut(strings.TrimPrefix(line, "--- "), ": ")
		if !ok || !strings.HasPrefix(line, "--- ") {
			continue
		}
		ran++
		test, _, _ := strings.Cut(rest, " ")
		t.Run("Job/"+strings.TrimPrefix(test, "Test"), func(t *testing.T) {
			if verdict != "PASS" {
				t.Errorf("in the container: %s", line)
			}
		})
	}
	if o.code != 0 || ran == 0 {
		t.Errorf("exit %d, %d tests ran\n%s%s", o.code, ran, o.stdout, o.stderr)
	}
}

// want is what the result has to say of a path.
type want struct {
	kind    result.Kind
	content string // of files
	target  string // of symlinks and hardlinks
	mode    uint32 // 0 is not looked at
}

func posixResult(t *testing.T, s *site, got *result.Result) {
	file := func(content string) want { return want{kind: result.File, content: content} }
	for path, w := range map[string]want{
		"undeclared/nothing": file("the job's own\n"),
		"undeclared/no":      {kind: result.Dir, mode: 0o755},
		"undeclared/no/dir":  file("own dir\n"),

		"write/overwrite": {kind: result.File, content: "012XX56789\n", mode: 0o640},
		"write/append":    file("input\nmore\n"),
		"write/truncate":  file("input"),
		"write/mmap":      file("Input to map\n"),
		"write/chmod":     {kind: result.File, content: "input to chmod\n", mode: 0o600},

		"rename/file2":      {kind: result.File, content: "renamed file\n", mode: 0o751},
		"rename/dir2":       {kind: result.Dir},
		"rename/dir2/a":     {kind: result.File, content: "in a renamed dir\n", mode: 0o600},
		"rename/dir2/sub":   {kind: result.Dir},
		"rename/dir2/sub/b": file("deeper in a renamed dir\n"),
		"rename/dir2/new":   file("new in a renamed dir\n"),

		"moves/made":             {kind: result.Dir},
		"moves/made/second":      {kind: result.Dir},
		"moves/made/second/b":    file("b changed\n"),
		"moves/made/second/kept": file("kept of moves\n"),
		"moves/made/sub":         {kind: result.Dir},
		"moves/made/linked-c":    file("c of moves\n"),
		"moves/made/sub/c":       {kind: result.Hardlink, target: "moves/made/linked-c"},
		"moves/deep":             {kind: result.Dir},
		"moves/deep/d":           file("d of moves\n"),
		"moves/dir/a":            file("another a\n"),
		"moves/onto/new":         file("new of moves\n"),

		"exchange/one":   file("two\n"),
		"exchange/two":   file("one\n"),
		"exchange/three": file("three\n"),

		"kinds/file-to-dir":    {kind: result.Dir},
		"kinds/file-to-dir/in": file("in a dir\n"),
		"kinds/dir-to-file":    file("a file\n"),
		"kinds/dir-to-link":    {kind: result.Symlink, target: "file-to-dir"},
		"kinds/link-to-file":   file("no link\n"),
		"kinds/file-to-link":   {kind: result.Symlink, target: "nowhere"},
		"kinds/made-again":     file("the same again\n"),

		"opaque/dir":     {kind: result.Dir, mode: 0o700},
		"opaque/dir/new": file("new\n"),

		"over/file":          file("new\n"),
		"over/emptied":       {kind: result.Dir},
		"over/emptied/entry": file("made\n"),
		"over/empty":         {kind: result.Dir},
		"over/empty/entry":   file("made2\n"),

		"links":             {kind: result.Dir},
		"links/a":           file("two\n"),
		"links/b":           {kind: result.Hardlink, target: "links/a"},
		"links/c2":          file("chain changed\n"),
		"links/c4":          {kind: result.Hardlink, target: "links/c2"},
		"links/sub/c3":      {kind: result.Hardlink, target: "links/c2"},
		"links-open/second": file("before after\n"),
		"hardlink/input":    file("linked input\nwritten\n"),
		"hardlink/linked":   {kind: result.Hardlink, target: "hardlink/input"},

		"symlink/dangling":         {kind: result.Symlink, target: "no/where", mode: 0o777},
		"symlink/absolute":         {kind: result.Symlink, target: "/etc/passwd"},
		"symlink/todir":            {kind: result.Symlink, target: "real"},
		"symlink/loop":             {kind: result.Symlink, target: "loop"},
		"symlink/real/made":        file("made through a link\n"),
		"symlink/made-swapped":     {kind: result.Dir},
		"symlink/made-swapped/own": file("own\n"),

		"tmpfile/named": {kind: result.File, content: "had no name\n", mode: 0o640},
		"mmap/new":      file("Map me\n"),
		"mmap/first":    file("Map Us\n"),
		"mmap/second":   {kind: result.Hardlink, target: "mmap/first"},
		"open/locked":   file(""),
		"names/mode0":   file("nobody may read this\n"),
	} {
		wantInResult(t, s, got, path, w)
	}
	for _, odd := range posix.OddNames() {
		wantInResult(t, s, got, "names/"+odd, file("odd\n"))
	}
	wantInResult(t, s, got, "names/"+posix.DeepPath(), file("deep\n"))

	for _, path := range []string{
		"read/file", "same/a.txt", "links/c1", "links-open/first", "open/gone", "rename/file", "rename/dir", "over/new", "over/made", "over/full",
		"over/full/entry", "symlink/real", "symlink/real/file", "symlink/swapped/own", "opaque/dir/old", "undeclared", "undeclared/keep", "write", "delete",
		"special-fifo/fifo", "special-socket/socket", "sqlite/db.sqlite-wal",
	} {
		if e, ok := got.HashedFiles.Find(path); ok {
			t.Errorf("%s is in hashed_files: %+v", path, e)
		}
	}
	for _, path := range []result.Path{
		"write/overwrite", "write/append", "write/truncate", "write/mmap", "write/chmod", "over/file", "over/emptied/entry", "hardlink/input",
		"moves/dir/a", "exchange/one", "exchange/two", "kinds/file-to-dir", "kinds/link-to-file", "kinds/file-to-link", "kinds/made-again",
	} {
		if !slices.Contains(got.ModifiedInputs, path) {
			t.Errorf("%s is not in modified_inputs %q", path, got.ModifiedInputs)
		}
	}
	for _, path := range []result.Path{
		"delete/file", "delete/dir/a", "delete/dir/b", "rename/file", "rename/dir/a", "rename/dir/sub/b", "opaque/dir/old", "opaque/dir/sub/old",
		"moves/dir/b", "moves/dir/kept", "moves/dir/sub/c", "moves/dir/sub/deep/d", "moves/onto/old", "moves/source/new", "kinds/dir-to-file/in", "kinds/dir-to-link/in",
	} {
		if !slices.Contains(got.DeletedInputs, path) {
			t.Errorf("%s is not in deleted_inputs %q", path, got.DeletedInputs)
		}
	}
	for _, path := range []result.Path{"over/file", "over/emptied/entry", "symlink/swapped", "undeclared/nothing", "moves/dir/a", "exchange/one", "kinds/made-again"} {
		if slices.Contains(got.DeletedInputs, path) {
			t.Errorf("%s is in deleted_inputs", path)
		}
	}
	skipped := map[result.Path]string{}
	for _, s := range got.Skipped {
		skipped[s.Path] = s.Type
	}
	if len(skipped) != 2 || skipped["special-fifo/fifo"] != "fifo" || skipped["special-socket/socket"] != "socket" {
		t.Errorf("skipped: %+v", got.Skipped)
	}
	for _, path := range []result.Path{"read/file", "read/empty", "read/link", "same/a.txt"} {
		if !slices.Contains(got.Inputs, path) {
			t.Errorf("%s is not in inputs", path)
		}
	}
	if slices.Contains(got.Inputs, "read/nobody") {
		t.Error("read/nobody is in inputs")
	}
	if !slices.Contains(got.Listed, "read") || !slices.Contains(got.Absent, "nothing") || !slices.Contains(got.Absent, "undeclared/kee") {
		t.Errorf("listed %q, absent %q", got.Listed, got.Absent)
	}
}

func wantInResult(t *testing.T, s *site, got *result.Result, path string, w want) {
	t.Helper()
	e, ok := got.HashedFiles.Find(path)
	switch {
	case !ok:
		t.Errorf("%.300q is not in hashed_files", path)
	case e.Kind != w.kind:
		t.Errorf("%.300q is a %s, expected a %s", path, e.Kind, w.kind)
	case e.Target != w.target:
		t.Errorf("%.300q: target %q, expected %q", path, e.Target, w.target)
	case w.mode != 0 && e.Mode != w.mode:
		t.Errorf("%.300q: mode %o, expected %o", path, e.Mode, w.mode)
	case w.kind == result.File && (e.Hash.Hex() != sha256Hex(w.content) || e.Size != int64(len(w.content))):
		t.Errorf("%.300q: hash %s, size %d; expected %d bytes %.100q", path, e.Hash, e.Size, len(w.content), w.content)
	case w.kind == result.File && !exists(s.blob(e.Hash.String())):
		t.Errorf("%.300q: its content is not in the store", path)
	}
}

// posixMaterialize gets everything back out of the store.
func posixMaterialize(t *testing.T, s *site, name string) {
	out := filepath.Join(s.dir, "materialized")
	if o := s.casview(t, "materialize", name, out); o.code != 0 {
		t.Fatalf("casview materialize: exit %d: %s", o.code, o.stderr)
	}
	var a, b unix.Stat_t
	must(t, unix.Lstat(filepath.Join(out, "links/a"), &a))
	must(t, unix.Lstat(filepath.Join(out, "links/b"), &b))
	if a.Ino != b.Ino || a.Nlink != 2 {
		t.Errorf("hardlinks came back as inodes %d and %d with %d links", a.Ino, b.Ino, a.Nlink)
	}
	if target, err := os.Readlink(filepath.Join(out, "symlink/dangling")); err != nil || target != "no/where" {
		t.Errorf("symlink/dangling: %q, %v", target, err)
	}
	for _, odd := range posix.OddNames() {
		if got, err := os.ReadFile(filepath.Join(out, "names", odd)); err != nil || string(got) != "odd\n" {
			t.Errorf("%q: %q, %v", odd, got, err)
		}
	}
	rows, err := exec.Command(find(t, "sqlite3"), filepath.Join(out, "sqlite/db.sqlite"), "select count(*) from rows").CombinedOutput()
	if want := fmt.Sprintln(3 * posix.SQLiteRows); err != nil || string(rows) != want {
		t.Errorf("the database that the job made: %q, %v; expected %q rows", rows, err, want)
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func sha256OfFile(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	return sha256Hex(string(b))
}

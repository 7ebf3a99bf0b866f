package staging

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/fsd/rundir"
	"github.com/casview/casview/fsd/staging/upper"
)

func TestMountIsDetachedUntilItIsClosed(t *testing.T) {
	t.Parallel()
	for _, d := range []Driver{Overlay{}, ReadOnly{}} {
		t.Run(d.Name(), func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "staging")
			r := newRequest(t, dir)
			s, err := d.Mount(r)
			must(t, err)
			nowhere(t, r.Source)
			if !running(s) {
				t.Error("the connection ended while the mount is held")
			}
			must(t, s.Mount.Close())
			ends(t, s)
			nowhere(t, r.Source)
			if d == (Overlay{}) {
				equal(t, "staging", names(t, dir), "upper work")
			} else if _, err := os.Lstat(dir); err == nil {
				t.Error("a read-only view has a staging directory")
			}
		})
	}
}

// The container's mount is all that keeps a view alive.
func TestEndOfTheNamespaceEndsTheView(t *testing.T) {
	t.Parallel()
	r := newRequest(t, t.TempDir())
	s, err := Overlay{}.Mount(r)
	must(t, err)
	cmd := jobCommand(t, s, "cat dir/a; echo new >out; read -r line || :")
	stdin, err := cmd.StdinPipe()
	must(t, err)
	stdout, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	must(t, s.Mount.Close())
	b := make([]byte, len("dir/a"))
	_, err = io.ReadFull(stdout, b)
	must(t, err)
	equal(t, "what the job reads", string(b), "dir/a")
	if seen := whoSees(r.Source); len(seen) != 1 {
		t.Errorf("mounted in %q, want the job only", seen)
	}
	if !running(s) {
		t.Error("the connection ended before the job")
	}
	must(t, stdin.Close())
	must(t, cmd.Wait())
	ends(t, s)
	nowhere(t, r.Source)
	b, err = os.ReadFile(filepath.Join(r.Upper, "out"))
	must(t, err)
	equal(t, "what the job wrote", string(b), "new\n")
}

func TestRootLooksLikeTheViews(t *testing.T) {
	t.Parallel()
	r := newRequest(t, t.TempDir())
	r.Owner = rundir.Owner{UID: 1234, GID: 5678}
	s := session(t, Overlay{}, r)
	equal(t, "owner, mode, mtime", job(t, s, "stat -c '%u %g %a %.9Y' ."), "1234 5678 1751 "+rootMtime+"\n")
}

func TestMountinfo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := newRequest(t, dir)
	o := readMountinfo(t, job(t, session(t, Overlay{}, r), "cat /proc/self/mountinfo"), r.Source)
	equal(t, "type", o.fstype, "overlay")
	wantOptions(t, o.mount, map[string]bool{"nosuid": true, "nodev": true, "ro": false})
	wantOptions(t, o.super, map[string]bool{
		"rw": true, "xino=on": true, "redirect_dir=on": true, "userxattr": false, "metacopy=on": false, "index=on": false,
	})
	equal(t, "volatile", isVolatile(o.super), true)
	if all := strings.Join(o.super, ","); strings.Contains(all, dir) {
		t.Errorf("the job learns of host directories: %s", all)
	}
}

func TestReadOnlyMount(t *testing.T) {
	t.Parallel()
	r := newRequest(t, t.TempDir())
	out := job(t, session(t, ReadOnly{}, r), "cat file; touch new 2>&1 || cat /proc/self/mountinfo")
	said, table, _ := strings.Cut(out, "\n")
	equal(t, "read and write", said, "filetouch: cannot touch 'new': Read-only file system")
	o := readMountinfo(t, table, r.Source)
	equal(t, "type", o.fstype, "fuse.casview")
	wantOptions(t, o.mount, map[string]bool{"ro": true, "nosuid": true, "nodev": true})
	wantOptions(t, o.super, map[string]bool{"ro": true, "default_permissions": true, "allow_other": true, "max_read=1048576": true})
}

func TestRenameOfAnInputDirectory(t *testing.T) {
	t.Parallel()
	r := newRequest(t, t.TempDir())
	s := session(t, Overlay{}, r)
	equal(t, "rename and read", job(t, s, `"$SELF" do-rename dir/sub moved; cat moved/b; ls dir`), "\ndir/sub/ba\n")
	f, err := os.Open(filepath.Join(r.Upper, "moved"))
	must(t, err)
	defer f.Close()
	marks, err := upper.XattrsFor(s.UserXattr).Read(f)
	must(t, err)
	equal(t, "redirect", marks.Redirect, "/dir/sub")
}

// Tools that keep a tree of inode numbers, like find and tar, must not see a file change into another one.
func TestInodeNumbersSurviveCopyUp(t *testing.T) {
	t.Parallel()
	s := session(t, Overlay{}, newRequest(t, t.TempDir()))
	out := strings.Split(job(t, s, `
		list() { stat -c '%d %i %n' file dir dir/a dir/sub dir/sub/b; }
		list; echo ---; echo more >>file; chmod 700 dir; echo more >>dir/sub/b; chmod 600 dir/a; list`), "---\n")
	if out[0] == "" || out[0] != out[1] {
		t.Errorf("before:\n%safter:\n%s", out[0], out[1])
	}
	device, _, _ := strings.Cut(out[0], " ")
	equal(t, "entries on the root's device", strings.Count(out[0]+out[1], device+" "), 10)
}

// Paths that are special to overlayfs's option string, to mountinfo or to a shell, and long ones.
func TestStatePaths(t *testing.T) {
	t.Parallel()
	for name, dir := range map[string]string{
		"special": "a:b,c d\ne\\f=g\"h'i%j#",
		"bytes":   "\xff\xfe\x01",
		"long":    strings.Repeat(strings.Repeat("x", 249)+"/", 12),
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), dir)
			must(t, os.MkdirAll(dir, 0o700))
			r := newRequest(t, filepath.Join(dir, "staging"))
			s := session(t, Overlay{}, r)
			equal(t, "input", job(t, s, "echo new >out; cat file"), "file")
			b, err := os.ReadFile(filepath.Join(r.Upper, "out"))
			must(t, err)
			equal(t, "output", string(b), "new\n")
		})
	}
}

// In a user namespace overlayfs keeps its marks in user.*, and refuses to move input directories.
func TestUserNamespace(t *testing.T) {
	t.Parallel()
	for name, ids := range map[string]int{"one": 1, "all": 1<<32 - 1} {
		t.Run(name, func(t *testing.T) {
			r := newRequest(t, t.TempDir())
			if !again(t, userNamespace(ids)) {
				return
			}
			s := session(t, Overlay{}, r)
			equal(t, "UserXattr", s.UserXattr, true)
			out := job(t, s, `stat -c '%u %g %a %.9Y' .; "$SELF" do-rename dir moved; cat dir/sub/b; echo
				rm -r dir; mkdir dir; echo more >>file; cat /proc/self/mountinfo`)
			lines := strings.SplitN(out, "\n", 4)
			equal(t, "owner, mode, mtime", lines[0], "0 0 1751 "+rootMtime)
			equal(t, "rename", lines[1], "EXDEV")
			equal(t, "input", lines[2], "dir/sub/b")
			o := readMountinfo(t, lines[3], r.Source)
			wantOptions(t, o.super, map[string]bool{"userxattr": true, "xino=on": true, "redirect_dir=on": false})
			equal(t, "volatile", isVolatile(o.super), true)
			f, err := os.Open(filepath.Join(r.Upper, "dir"))
			must(t, err)
			defer f.Close()
			marks, err := upper.XattrsFor(true).Read(f)
			must(t, err)
			equal(t, "opaque", marks.Opaque, true)
		})
	}
}

// Only the first user namespace may write trusted.* attributes, which is what the answer is needed for.
func TestFirstUserNamespace(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(file, nil, 0o600))
	err := unix.Setxattr(file, "trusted.casview", []byte("x"), 0)
	if err != nil && !errors.Is(err, unix.EPERM) {
		t.Fatal(err)
	}
	got, unknown := inUserNamespace()
	must(t, unknown)
	equal(t, "in a user namespace", got, errors.Is(err, unix.EPERM))
}

package cas

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/cas/internal/testfs"
)

// staging is a directory with one file "out", as a job would leave it.
func staging(t *testing.T, dir string, content []byte) *os.File {
	t.Helper()
	dir = filepath.Join(dir, "staging")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "out"), content, 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func wantGone(t *testing.T, dir *os.File) {
	t.Helper()
	if left, err := os.ReadDir(dir.Name()); err != nil || len(left) > 0 {
		t.Errorf("still in staging: %v, %v", left, err)
	}
}

// wantSource checks that the file is as it was: inode, mode, owner, mtime and content.
func wantSource(t *testing.T, dir *os.File, before unix.Stat_t, content []byte) {
	t.Helper()
	path := filepath.Join(dir.Name(), "out")
	st := stat(t, path)
	if st.Ino != before.Ino || st.Mode != before.Mode || st.Uid != before.Uid || st.Gid != before.Gid || st.Mtim != before.Mtim {
		t.Errorf("source changed: ino %d mode %o owner %d:%d, was %d %o %d:%d",
			st.Ino, st.Mode, st.Uid, st.Gid, before.Ino, before.Mode, before.Uid, before.Gid)
	}
	got, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, content) {
		t.Errorf("source has %d bytes, %v; want %d", len(got), err, len(content))
	}
}

func TestAdoptMovesTheInode(t *testing.T) {
	content := []byte("built")
	for _, mode := range []uint32{0o644, 0o755, 0, 0o4755, 0o2070, 0o222, 0o444} {
		for _, uid := range []int{os.Geteuid(), 12345} {
			t.Run(fmt.Sprintf("%o owner %d", mode, uid), func(t *testing.T) {
				if uid != os.Geteuid() {
					testfs.NeedRoot(t)
				}
				s := openTest(t, SHA256)
				dir := staging(t, t.TempDir(), content)
				path := filepath.Join(dir.Name(), "out")
				if uid != os.Geteuid() {
					if err := os.Chown(path, uid, uid); err != nil {
						t.Fatal(err)
					}
				}
				if err := unix.Chmod(path, mode); err != nil {
					t.Fatal(err)
				}
				before := stat(t, path)
				d := Sum(SHA256, content)
				a, err := s.Adopt(dir, "out", d, AdoptMove)
				if err != nil || a != (Adoption{Moved: true}) {
					t.Fatalf("Adopt = %+v, %v", a, err)
				}
				wantGone(t, dir)
				wantBlob(t, s, d, content)
				after := stat(t, s.file(d))
				if after.Ino != before.Ino || after.Gid != s.gid {
					t.Errorf("blob is inode %d group %d, file was inode %d", after.Ino, after.Gid, before.Ino)
				}
			})
		}
	}
}

func TestAdoptOfKnownContent(t *testing.T) {
	content := []byte("known")
	for _, how := range []AdoptMode{AdoptMove, AdoptCopy} {
		s := openTest(t, SHA256)
		d, err := s.PutBytes(content)
		if err != nil {
			t.Fatal(err)
		}
		blob := stat(t, s.file(d))
		dir := staging(t, t.TempDir(), content)
		before := stat(t, filepath.Join(dir.Name(), "out"))
		a, err := s.Adopt(dir, "out", d, how)
		if err != nil || a != (Adoption{Existed: true}) {
			t.Fatalf("Adopt = %+v, %v", a, err)
		}
		if how == AdoptMove {
			wantGone(t, dir)
		} else {
			wantSource(t, dir, before, content)
		}
		if after := stat(t, s.file(d)); after.Ino != blob.Ino {
			t.Error("a good blob was replaced")
		}
		wantBlob(t, s, d, content)
	}
}

func TestAdoptReplacesTornBlob(t *testing.T) {
	content := []byte("whole content")
	s := openTest(t, SHA256)
	d, _ := s.PutBytes(content)
	damage(t, s.file(d), "")
	dir := staging(t, t.TempDir(), content)
	if a, err := s.Adopt(dir, "out", d, AdoptMove); err != nil || !a.Moved {
		t.Fatalf("Adopt = %+v, %v", a, err)
	}
	wantGone(t, dir)
	wantBlob(t, s, d, content)
}

func TestAdoptCopyLeavesTheFile(t *testing.T) {
	for name, content := range contents() {
		t.Run(name, func(t *testing.T) {
			s := openTest(t, BLAKE3)
			dir := staging(t, t.TempDir(), content)
			path := filepath.Join(dir.Name(), "out")
			if err := os.Chmod(path, 0); err != nil {
				t.Fatal(err)
			}
			before := stat(t, path)
			d := Sum(BLAKE3, content)
			a, err := s.Adopt(dir, "out", d, AdoptCopy)
			if err != nil || a.Moved || a.Existed || (!a.Reflinked && a.Copied != int64(len(content))) {
				t.Fatalf("Adopt = %+v, %v", a, err)
			}
			wantBlob(t, s, d, content)
			if after := stat(t, path); after.Mode != before.Mode {
				t.Errorf("source now has mode %o", after.Mode)
			}
			if stat(t, s.file(d)).Ino == before.Ino {
				t.Error("the blob is the file, which its job may still write to")
			}
		})
	}
}

func TestAdoptCopyOfChangedFile(t *testing.T) {
	s := openTest(t, SHA256)
	dir := staging(t, t.TempDir(), []byte("changed since"))
	before := stat(t, filepath.Join(dir.Name(), "out"))
	d := Sum(SHA256, []byte("what was hashed"))
	if _, err := s.Adopt(dir, "out", d, AdoptCopy); !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), `"out"`) {
		t.Fatalf("Adopt: %v", err)
	}
	wantSource(t, dir, before, []byte("changed since"))
	if _, err := s.Size(d); !errors.Is(err, ErrNotFound) {
		t.Errorf("it was stored: %v", err)
	}
	wantNoTemp(t, s)
}

func TestAdoptTakesRegularFilesOnly(t *testing.T) {
	makers := map[string]func(path string) error{
		"symlink":        func(p string) error { return os.Symlink("out", p) },
		"dir":            func(p string) error { return os.Mkdir(p, 0o755) },
		"fifo":           func(p string) error { return unix.Mkfifo(p, 0o644) },
		"dangling":       func(p string) error { return os.Symlink("nowhere", p) },
		"symlink to dir": func(p string) error { return os.Symlink(".", p) },
	}
	if os.Geteuid() == 0 {
		makers["whiteout"] = func(p string) error { return unix.Mknod(p, unix.S_IFCHR, 0) }
	}
	for name, create := range makers {
		t.Run(name, func(t *testing.T) {
			s := openTest(t, SHA256)
			dir := staging(t, t.TempDir(), []byte("x"))
			path := filepath.Join(dir.Name(), "special")
			if err := create(path); err != nil {
				t.Fatal(err)
			}
			before := stat(t, path)
			for _, how := range []AdoptMode{AdoptMove, AdoptCopy} {
				if _, err := s.Adopt(dir, "special", Sum(SHA256, []byte("x")), how); err == nil {
					t.Errorf("mode %d: no error", how)
				}
			}
			if after := stat(t, path); after != before {
				t.Error("it was changed")
			}
		})
	}
	s := openTest(t, SHA256)
	dir := staging(t, t.TempDir(), nil)
	if _, err := s.Adopt(dir, "missing", Sum(SHA256, nil), AdoptMove); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	if _, err := s.Adopt(dir, "out", Digest{}, AdoptMove); err == nil {
		t.Error("no digest: no error")
	}
}

// A file of 255 bytes' name at the end of a path too long for any path-based call.
func TestAdoptFromLongPath(t *testing.T) {
	component := strings.Repeat("d", 250)
	s := openTest(t, SHA256)
	dir, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { dir.Close() }()
	for range 20 {
		if err := unix.Mkdirat(int(dir.Fd()), component, 0o755); err != nil {
			t.Fatal(err)
		}
		fd, err := unix.Openat(int(dir.Fd()), component, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		dir.Close()
		dir = os.NewFile(uintptr(fd), "long")
	}
	name := "\xff\n\"" + strings.Repeat("n", 252)
	fd, err := unix.Openat(int(dir.Fd()), name, unix.O_WRONLY|unix.O_CREAT|unix.O_CLOEXEC, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := unix.Write(fd, []byte("deep")); err != nil {
		t.Fatal(err)
	}
	unix.Close(fd)
	d := Sum(SHA256, []byte("deep"))
	if a, err := s.Adopt(dir, name, d, AdoptMove); err != nil || !a.Moved {
		t.Fatalf("Adopt = %+v, %v", a, err)
	}
	wantBlob(t, s, d, []byte("deep"))
}

// unprivilegedProcess adopts what it may not chown, and what it has to chmod before it can be read.
func unprivilegedProcess(dir string) error {
	s, err := OpenLocal(filepath.Join(dir, "store"), SHA256)
	if err != nil {
		return err
	}
	defer s.Close()
	staging, err := os.Open(filepath.Join(dir, "staging"))
	if err != nil {
		return err
	}
	defer staging.Close()
	a, err := s.Adopt(staging, "out", Sum(SHA256, []byte("root's")), AdoptMove)
	if err != nil || a.Moved || (a.Copied == 0 && !a.Reflinked) {
		return fmt.Errorf("file of another owner: %+v, %w", a, err)
	}
	own := filepath.Join(staging.Name(), "own")
	if err := os.WriteFile(own, []byte("own"), 0); err != nil {
		return err
	}
	if a, err := s.Adopt(staging, "own", Sum(SHA256, []byte("own")), AdoptCopy); err != nil || a.Existed {
		return fmt.Errorf("copy of a file with mode 0000: %+v, %w", a, err)
	}
	if info, err := os.Lstat(own); err != nil || info.Mode() != 0 {
		return fmt.Errorf("afterwards the file has mode %v, %w", info.Mode(), err)
	}
	if _, err := s.PutBytes([]byte("third")); err != nil {
		return err
	}
	if a, err := s.Adopt(staging, "own", Sum(SHA256, []byte("own")), AdoptMove); err != nil || !a.Existed {
		return fmt.Errorf("move of a file with mode 0000: %+v, %w", a, err)
	}
	return nil
}

func TestAdoptWithoutPrivileges(t *testing.T) {
	testfs.NeedRoot(t)
	const nobody = 65534
	dir := t.TempDir()
	stagingDir := staging(t, dir, []byte("root's"))
	for _, path := range []string{dir, stagingDir.Name()} {
		if err := os.Chown(path, nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	// What TempDir makes is open to its owner alone.
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	cmd, stderr := process(t, "unprivileged", dir)
	exe := filepath.Join(dir, "test-binary")
	if err := os.Link(cmd.Path, exe); err != nil {
		b, err := os.ReadFile(cmd.Path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(exe, b, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cmd.Path, cmd.Dir = exe, dir
	cmd.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, stderr)
	}
	d := Sum(SHA256, []byte("root's"))
	blob := filepath.Join(dir, "store/blobs/sha256", d.Hex()[:2], d.Hex())
	if st := stat(t, blob); st.Uid != nobody || st.Mode != unix.S_IFREG|0o444 {
		t.Errorf("blob has owner %d mode %o", st.Uid, st.Mode)
	}
	wantGone(t, stagingDir)
}

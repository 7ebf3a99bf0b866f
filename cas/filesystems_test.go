package cas

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// mount mounts something on a new directory until the test ends.
func mount(t *testing.T, source, fstype string, flags uintptr, data string) string {
	t.Helper()
	needRoot(t)
	dir := t.TempDir()
	if err := unix.Mount(source, dir, fstype, flags, data); err != nil {
		t.Fatalf("mount %s: %v", fstype, err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Errorf("unmount %s: %v", dir, err)
		}
	})
	return dir
}

func TestAdoptAcrossFilesystems(t *testing.T) {
	needRoot(t)
	other := mount(t, "tmpfs", "tmpfs", 0, "size=16m")
	bind := t.TempDir()
	if err := os.Mkdir(filepath.Join(bind, "staging"), 0o755); err != nil {
		t.Fatal(err)
	}
	// Two mounts of one filesystem: st_dev is equal, and only rename tells.
	otherMount := mount(t, bind, "", unix.MS_BIND, "")
	for where, dir := range map[string]string{"tmpfs": other, "bind mount": otherMount} {
		for name, content := range contents() {
			for _, how := range []AdoptMode{AdoptMove, AdoptCopy} {
				t.Run(fmt.Sprintf("%s/%s/%d", where, name, how), func(t *testing.T) {
					s := openTest(t, SHA256)
					src := staging(t, dir, content)
					path := filepath.Join(src.Name(), "out")
					if err := errors.Join(os.Chown(path, 1234, 1234), os.Chmod(path, 0o600)); err != nil {
						t.Fatal(err)
					}
					before := stat(t, path)
					d := SHA256.Sum(content)
					a, err := s.Adopt(src, "out", d, how)
					if err != nil || a.Moved || a.Existed || (!a.Reflinked && a.Copied != int64(len(content))) {
						t.Fatalf("Adopt = %+v, %v", a, err)
					}
					wantBlob(t, s, d, content)
					if how == AdoptMove {
						wantGone(t, src)
					} else {
						wantSource(t, src, before, content)
					}
				})
			}
		}
	}
}

func TestDiskFull(t *testing.T) {
	needRoot(t)
	small := mount(t, "tmpfs", "tmpfs", 0, "size=1m,nr_inodes=64")
	s, err := OpenLocal(filepath.Join(small, "store"), SHA256)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	content := bytes.Repeat([]byte("full"), 1<<20)
	d := SHA256.Sum(content)
	wantFull := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, unix.ENOSPC) {
			t.Errorf("%s: %v", what, err)
		}
		if _, err := s.Size(d); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: partial blob: %v", what, err)
		}
		wantNoTemp(t, s)
	}
	_, _, err = s.Put(bytes.NewReader(content))
	wantFull("Put", err)
	_, err = s.PutExpected(bytes.NewReader(content), d)
	wantFull("PutExpected", err)
	_, err = s.PutBytes(content)
	wantFull("PutBytes", err)

	src := staging(t, t.TempDir(), content)
	path := filepath.Join(src.Name(), "out")
	if err := errors.Join(os.Chown(path, 1234, 1234), unix.Chmod(path, 0o4751)); err != nil {
		t.Fatal(err)
	}
	before := stat(t, path)
	for _, how := range []AdoptMode{AdoptMove, AdoptCopy} {
		_, err = s.Adopt(src, "out", d, how)
		wantFull("Adopt", err)
		wantSource(t, src, before, content)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	_, _, err = s.PutFile(f)
	wantFull("PutFile", err)

	if fits, err := s.PutBytes([]byte("fits")); err != nil || s.Verify(fits) != nil {
		t.Errorf("what fits is refused: %v", err)
	}
}

// A rename needs room too, for the directory it goes to. Then the file keeps the mode and owner that a later attempt records.
func TestDiskFullOfInodes(t *testing.T) {
	needRoot(t)
	small := mount(t, "tmpfs", "tmpfs", 0, "size=1m,nr_inodes=40")
	s, err := OpenLocal(filepath.Join(small, "store"), SHA256)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	content := []byte("needs a new shard")
	src := staging(t, small, content)
	path := filepath.Join(src.Name(), "out")
	if err := errors.Join(os.Chown(path, 1234, 1234), unix.Chmod(path, 0o4751)); err != nil {
		t.Fatal(err)
	}
	before := stat(t, path)
	var fill []string
	for i := 0; ; i++ {
		name := filepath.Join(small, fmt.Sprint(i))
		if err := os.Mkdir(name, 0o755); err != nil {
			break
		}
		fill = append(fill, name)
	}
	d := SHA256.Sum(content)
	if _, err := s.Adopt(src, "out", d, AdoptMove); !errors.Is(err, unix.ENOSPC) {
		t.Fatalf("Adopt: %v", err)
	}
	wantSource(t, src, before, content)
	for _, name := range fill {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	if a, err := s.Adopt(src, "out", d, AdoptMove); err != nil || !a.Moved {
		t.Fatalf("with room again: %+v, %v", a, err)
	}
	wantBlob(t, s, d, content)
}

func TestReflink(t *testing.T) {
	needRoot(t)
	dir := reflinkFilesystem(t)
	s, err := OpenLocal(filepath.Join(dir, "store"), SHA256)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	content := bytes.Repeat([]byte("cow"), copyBuffer)
	d := SHA256.Sum(content)
	src := staging(t, dir, content)
	a, err := s.Adopt(src, "out", d, AdoptCopy)
	if err != nil || a != (Adoption{Reflinked: true}) {
		t.Fatalf("Adopt = %+v, %v", a, err)
	}
	wantBlob(t, s, d, content)
	// Writing to the file afterwards must not reach the blob.
	if err := os.WriteFile(filepath.Join(src.Name(), "out"), bytes.Repeat([]byte("new"), copyBuffer), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := s.Verify(d); err != nil {
		t.Error(err)
	}
	f, err := os.Open(filepath.Join(src.Name(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	d2, _, err := s.PutFile(f)
	if err != nil {
		t.Fatal(err)
	}
	wantBlob(t, s, d2, bytes.Repeat([]byte("new"), copyBuffer))
}

// reflinkFilesystem makes an xfs or btrfs in a file.
func reflinkFilesystem(t *testing.T) string {
	t.Helper()
	for _, fstype := range []string{"xfs", "btrfs"} {
		mkfs, err := exec.LookPath("mkfs." + fstype)
		if err != nil {
			continue
		}
		image := filepath.Join(t.TempDir(), "image")
		if err := os.WriteFile(image, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(image, 400<<20); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(mkfs, "-q", image).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", mkfs, err, out)
		}
		out, err := exec.Command("losetup", "--find", "--show", image).CombinedOutput()
		if err != nil {
			t.Skipf("no loop device: %v: %s", err, out)
		}
		loop := strings.TrimSpace(string(out))
		t.Cleanup(func() { _ = exec.Command("losetup", "--detach", loop).Run() })
		return mount(t, loop, fstype, 0, "")
	}
	t.Skip("neither mkfs.xfs nor mkfs.btrfs: no filesystem with reflinks")
	return ""
}

package cas

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/cas/internal/testfs"
)

func TestAdoptAcrossFilesystems(t *testing.T) {
	other := testfs.Tmpfs(t, "size=16m")
	bind := t.TempDir()
	if err := os.Mkdir(filepath.Join(bind, "staging"), 0o755); err != nil {
		t.Fatal(err)
	}
	// Two mounts of one filesystem: st_dev is equal, and only rename tells.
	otherMount := testfs.Bind(t, bind)
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
					d := Sum(SHA256, content)
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
	small := testfs.Tmpfs(t, "size=1m,nr_inodes=64")
	s, err := OpenLocal(filepath.Join(small, "store"), SHA256)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	content := bytes.Repeat([]byte("full"), 1<<20)
	d := Sum(SHA256, content)
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
	small := testfs.Tmpfs(t, "size=1m,nr_inodes=40")
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
	d := Sum(SHA256, content)
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
	dir := testfs.Reflink(t)
	s, err := OpenLocal(filepath.Join(dir, "store"), SHA256)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	content := bytes.Repeat([]byte("cow"), copyBuffer)
	d := Sum(SHA256, content)
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

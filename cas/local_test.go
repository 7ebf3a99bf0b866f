package cas

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func openTest(t *testing.T, a Algorithm) *Local {
	t.Helper()
	s, err := OpenLocal(filepath.Join(t.TempDir(), "store"), a)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// file is where a blob must be according to the design.
func (s *Local) file(d Digest) string {
	return filepath.Join(s.Dir(), "blobs", d.Algorithm().String(), d.Hex()[:2], d.Hex())
}

func stat(t *testing.T, path string) unix.Stat_t {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		t.Fatalf("lstat %s: %v", path, err)
	}
	return st
}

// wantBlob checks content, mode and owner of a stored blob, and that nothing is left on the way in.
func wantBlob(t *testing.T, s *Local, d Digest, content []byte) {
	t.Helper()
	got, err := os.ReadFile(s.file(d))
	if err != nil || !bytes.Equal(got, content) {
		t.Fatalf("blob %s: %d bytes, %v; want %d bytes", d, len(got), err, len(content))
	}
	st := stat(t, s.file(d))
	if st.Mode != unix.S_IFREG|0o444 || int(st.Uid) != os.Geteuid() || st.Nlink != 1 {
		t.Errorf("blob %s: mode %o owner %d links %d", d, st.Mode, st.Uid, st.Nlink)
	}
	wantNoTemp(t, s)
}

func wantNoTemp(t *testing.T, s *Local) {
	t.Helper()
	left, err := os.ReadDir(filepath.Join(s.Dir(), "tmp"))
	if err != nil || len(left) > 0 {
		t.Errorf("left in tmp: %v, %v", left, err)
	}
}

func contents() map[string][]byte {
	return map[string][]byte{
		"empty":          {},
		"small":          []byte("hello"),
		"exactly buffer": bytes.Repeat([]byte("b"), copyBuffer),
		"large":          bytes.Repeat([]byte("0123456789abcde"), 100_000),
	}
}

func TestPut(t *testing.T) {
	for _, a := range []Algorithm{SHA256, BLAKE3} {
		for name, content := range contents() {
			t.Run(a.String()+"/"+name, func(t *testing.T) {
				s := openTest(t, a)
				want := Sum(a, content)
				for range 2 {
					d, n, err := s.Put(bytes.NewReader(content))
					if err != nil || d != want || n != int64(len(content)) {
						t.Fatalf("Put = %v, %d, %v", d, n, err)
					}
					wantBlob(t, s, want, content)
				}
				if size, err := s.Size(want); err != nil || size != int64(len(content)) {
					t.Errorf("Size = %d, %v", size, err)
				}
				if got, err := s.ReadBlob(want, int64(len(content))); err != nil || !bytes.Equal(got, content) {
					t.Errorf("ReadBlob: %d bytes, %v", len(got), err)
				}
				if err := s.Verify(want); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

func TestPutBytesAndFile(t *testing.T) {
	for name, content := range contents() {
		t.Run(name, func(t *testing.T) {
			s := openTest(t, SHA256)
			path := filepath.Join(t.TempDir(), "f")
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			f, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if _, err := f.Seek(3, io.SeekStart); err != nil {
				t.Fatal(err)
			}
			d, n, err := s.PutFile(f)
			if err != nil || d != Sum(SHA256, content) || n != int64(len(content)) {
				t.Fatalf("PutFile = %v, %d, %v", d, n, err)
			}
			wantBlob(t, s, d, content)
			if at, _ := f.Seek(0, io.SeekCurrent); at != 3 {
				t.Errorf("offset moved to %d", at)
			}
			before := stat(t, s.file(d))
			if d2, err := s.PutBytes(content); err != nil || d2 != d {
				t.Errorf("PutBytes = %v, %v", d2, err)
			}
			if after := stat(t, s.file(d)); after.Ino != before.Ino || after.Mtim != before.Mtim {
				t.Error("a good blob was written again")
			}
		})
	}
}

func TestPutExpected(t *testing.T) {
	for name, content := range contents() {
		t.Run(name, func(t *testing.T) {
			s := openTest(t, SHA256)
			want := Sum(BLAKE3, content)
			if _, err := s.PutExpected(strings.NewReader("no"+string(content)), want); !errors.Is(err, ErrCorrupt) {
				t.Fatalf("wrong content: %v", err)
			}
			if _, err := s.Open(want); !errors.Is(err, ErrNotFound) {
				t.Fatalf("wrong content was stored: %v", err)
			}
			wantNoTemp(t, s)
			if n, err := s.PutExpected(bytes.NewReader(content), want); err != nil || n != int64(len(content)) {
				t.Fatalf("PutExpected = %d, %v", n, err)
			}
			wantBlob(t, s, want, content)
		})
	}
	if _, err := openTest(t, SHA256).PutExpected(strings.NewReader(""), Digest{}); err == nil {
		t.Error("no digest expected, no error")
	}
}

func TestPutOfFailingReader(t *testing.T) {
	broken := errors.New("broken")
	for _, size := range []int64{0, 10, copyBuffer, copyBuffer * 3} {
		s := openTest(t, SHA256)
		r := io.MultiReader(io.LimitReader(neverEnding('x'), size), failing{broken})
		if _, _, err := s.Put(r); !errors.Is(err, broken) {
			t.Errorf("after %d bytes: %v", size, err)
		}
		wantNoTemp(t, s)
		if left, _ := filepath.Glob(s.Dir() + "/blobs/*/*/*"); len(left) > 0 {
			t.Errorf("after %d bytes: stored %v", size, left)
		}
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

type neverEnding byte

func (b neverEnding) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(b)
	}
	return len(p), nil
}

func TestMissingBlob(t *testing.T) {
	s := openTest(t, SHA256)
	for _, d := range []Digest{Sum(SHA256, []byte("?")), Sum(BLAKE3, []byte("?")), {}} {
		_, open := s.Open(d)
		_, size := s.Size(d)
		_, read := s.ReadBlob(d, 10)
		for _, err := range []error{open, size, read, s.Verify(d)} {
			if !errors.Is(err, ErrNotFound) || !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%v: %v", d, err)
			}
		}
		if kept, err := s.Keep(d, 1); kept || err != nil {
			t.Errorf("Keep = %v, %v", kept, err)
		}
	}
}

func TestDamagedBlob(t *testing.T) {
	s := openTest(t, SHA256)
	d, err := s.PutBytes([]byte("good content"))
	if err != nil {
		t.Fatal(err)
	}
	damage(t, s.file(d), "bad  content")
	if _, err := s.ReadBlob(d, 100); !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), d.Hex()) {
		t.Errorf("ReadBlob: %v", err)
	}
	if err := s.Verify(d); !errors.Is(err, ErrCorrupt) {
		t.Errorf("Verify: %v", err)
	}
}

func damage(t *testing.T, path, content string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o444); err != nil {
		t.Fatal(err)
	}
}

// A power cut can leave a blob with its name and without its data.
func TestTornBlobIsReplaced(t *testing.T) {
	for name, content := range contents() {
		for _, torn := range []string{"", "torn, but longer than it should be"} {
			if len(content) == len(torn) {
				continue
			}
			t.Run(name, func(t *testing.T) {
				s := openTest(t, SHA256)
				d, err := s.PutBytes(content)
				if err != nil {
					t.Fatal(err)
				}
				damage(t, s.file(d), torn)
				if _, _, err := s.Put(bytes.NewReader(content)); err != nil {
					t.Fatal(err)
				}
				wantBlob(t, s, d, content)
			})
		}
	}
}

func TestReadBlobLimit(t *testing.T) {
	s := openTest(t, SHA256)
	d, _ := s.PutBytes([]byte("12345"))
	if _, err := s.ReadBlob(d, 4); err == nil || errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "5 bytes") {
		t.Errorf("limit 4: %v", err)
	}
	if b, err := s.ReadBlob(d, 5); err != nil || string(b) != "12345" {
		t.Errorf("limit 5: %q, %v", b, err)
	}
}

func TestKeepMakesYoung(t *testing.T) {
	s := openTest(t, SHA256)
	d, _ := s.PutBytes([]byte("kept"))
	before := stat(t, s.file(d))
	time.Sleep(20 * time.Millisecond) // more than the kernel's clock tick
	if kept, err := s.Keep(d, 4); !kept || err != nil || stat(t, s.file(d)).Ctim != before.Ctim {
		t.Errorf("young blob: Keep = %v, %v", kept, err)
	}
	s.youngFor = 0
	for stat(t, s.file(d)).Ctim == before.Ctim {
		if kept, err := s.Keep(d, 4); !kept || err != nil {
			t.Fatalf("Keep = %v, %v", kept, err)
		}
	}
	if after := stat(t, s.file(d)); after.Mtim != before.Mtim || after.Ino != before.Ino || after.Mode != before.Mode {
		t.Error("Keep changed more than the ctime")
	}
	if kept, err := s.Keep(d, 5); kept || err != nil {
		t.Errorf("wrong size: Keep = %v, %v", kept, err)
	}
}

func TestOpenLocal(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a/b/store")
	s, err := OpenLocal(dir, SHA256)
	if err != nil {
		t.Fatal(err)
	}
	if mode := stat(t, dir).Mode; mode != unix.S_IFDIR|0o700 {
		t.Errorf("store has mode %o", mode)
	}
	if s.Dir() != dir || s.Algorithm() != SHA256 {
		t.Errorf("Dir %s, Algorithm %s", s.Dir(), s.Algorithm())
	}
	d, err := s.PutBytes([]byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Sync(); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	again, err := OpenLocal(dir, BLAKE3)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if b, err := again.ReadBlob(d, 10); err != nil || string(b) != "x" {
		t.Errorf("blob of another algorithm: %q, %v", b, err)
	}

	if _, err := OpenLocal(dir, 0); err == nil {
		t.Error("a store without algorithm")
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenLocal(file, SHA256); !errors.Is(err, unix.ENOTDIR) {
		t.Errorf("store at a file: %v", err)
	}
}

// The store keeps working when its path doesn't: it is used by handle.
func TestStoreWorksByHandle(t *testing.T) {
	s := openTest(t, SHA256)
	moved := s.Dir() + "-moved"
	if err := os.Rename(s.Dir(), moved); err != nil {
		t.Fatal(err)
	}
	d, err := s.PutBytes([]byte("by handle"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.ReadBlob(d, 100); err != nil {
		t.Error(err)
	}
}

package cas

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// put stores content that was last accessed long ago.
func put(t *testing.T, s *Local, content string) Digest {
	t.Helper()
	d, err := s.PutBytes([]byte(content))
	if err != nil {
		t.Fatal(err)
	}
	long := unix.NsecToTimespec(time.Now().Add(-100 * time.Hour).UnixNano())
	if err := unix.UtimesNanoAt(unix.AT_FDCWD, s.file(d), []unix.Timespec{long, {Nsec: unix.UTIME_OMIT}}, 0); err != nil {
		t.Fatal(err)
	}
	return d
}

// later is a time at which all that is stored now is old.
func later() time.Time { return time.Now().Add(time.Hour) }

func condemn(t *testing.T, s *Local, d Digest) {
	t.Helper()
	if _, ok, err := s.Condemn(d, later()); !ok || err != nil {
		t.Fatalf("Condemn = %v, %v", ok, err)
	}
}

func bury(t *testing.T, s *Local) {
	t.Helper()
	if err := errors.Join(s.Bury(), s.Sweep(time.Time{})); err != nil {
		t.Fatal(err)
	}
}

func wantMissing(t *testing.T, s *Local, d Digest) {
	t.Helper()
	if _, err := s.Size(d); !errors.Is(err, ErrNotFound) {
		t.Errorf("Size: %v", err)
	}
	if f, err := s.Open(d); !errors.Is(err, ErrNotFound) {
		t.Errorf("Open: %v, %v", f, err)
	}
	if kept, err := s.Keep(d, 3); kept || err != nil {
		t.Errorf("Keep: %v, %v", kept, err)
	}
}

func TestCondemnedBlobsAreReadUntilTheyAreBuried(t *testing.T) {
	for _, a := range []Algorithm{SHA256, BLAKE3} {
		s := openTest(t, a)
		d := put(t, s, "old")
		condemn(t, s, d)
		if b, err := s.ReadBlob(d, 10); err != nil || string(b) != "old" {
			t.Errorf("ReadBlob = %q, %v", b, err)
		}
		if size, err := s.Size(d); size != 3 || err != nil {
			t.Errorf("Size = %d, %v", size, err)
		}
		if _, err := os.Lstat(s.file(d)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("it is still among the blobs: %v", err)
		}
		bury(t, s)
		wantMissing(t, s, d)
		wantNoTemp(t, s)
		if _, err := s.PutBytes([]byte("old")); err != nil {
			t.Fatal(err)
		}
		wantBlob(t, s, d, []byte("old"))
	}
}

func TestYoungBlobsAreNotCondemned(t *testing.T) {
	s := openTest(t, SHA256)
	d := put(t, s, "new")
	for _, before := range []time.Time{time.Now().Add(-time.Minute), {}} {
		if _, ok, err := s.Condemn(d, before); ok || err != nil {
			t.Errorf("Condemn = %v, %v", ok, err)
		}
		if _, ok, err := s.Unused(d, before); ok || err != nil {
			t.Errorf("Unused = %v, %v", ok, err)
		}
	}
	if size, ok, err := s.Unused(d, later()); size != 3 || !ok || err != nil {
		t.Errorf("Unused = %d, %v, %v", size, ok, err)
	}
	wantBlob(t, s, d, []byte("new"))
	none := Sum(SHA256, []byte("none"))
	if _, ok, err := s.Condemn(none, later()); ok || err != nil {
		t.Errorf("Condemn of nothing = %v, %v", ok, err)
	}
}

// A job may give its outputs any time of access. What was accessed this moment may have been kept this moment.
func TestTimesOfAccess(t *testing.T) {
	s := openTest(t, SHA256)
	for shift, want := range map[time.Duration]bool{0: false, -time.Second: false, -time.Hour: true, 100 * 24 * time.Hour: true} {
		d := put(t, s, shift.String())
		at := unix.NsecToTimespec(time.Now().Add(shift).UnixNano())
		if err := unix.UtimesNanoAt(unix.AT_FDCWD, s.file(d), []unix.Timespec{at, {Nsec: unix.UTIME_OMIT}}, 0); err != nil {
			t.Fatal(err)
		}
		if _, ok, err := s.Condemn(d, later()); ok != want || err != nil {
			t.Errorf("accessed %v from now: Condemn = %v, %v", shift, ok, err)
		}
	}
}

func TestWhoeverKeepsTakesBack(t *testing.T) {
	s := openTest(t, SHA256)
	d := put(t, s, "old")
	condemn(t, s, d)
	if kept, err := s.Keep(d, 4); kept || err != nil {
		t.Errorf("Keep of another size: %v, %v", kept, err)
	}
	if _, ok, err := s.Reprieve(d); ok || err != nil {
		t.Errorf("Reprieve of what is there: %v, %v", ok, err)
	}
	condemn(t, s, d)
	if kept, err := s.Keep(d, 3); !kept || err != nil {
		t.Errorf("Keep: %v, %v", kept, err)
	}
	bury(t, s)
	wantBlob(t, s, d, []byte("old"))
}

// What was stored anew stays when the old one is put back, and both when a collector died.
func TestReprieveAll(t *testing.T) {
	s := openTest(t, SHA256)
	gone, again := put(t, s, "gone"), put(t, s, "again")
	condemn(t, s, gone)
	condemn(t, s, again)
	other := openTest(t, SHA256)
	if _, err := other.PutBytes([]byte("again")); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(other.file(again), s.file(again)); err != nil { // as by a writer that looked before
		t.Fatal(err)
	}
	for range 2 {
		if err := s.ReprieveAll(); err != nil {
			t.Fatal(err)
		}
		wantBlob(t, s, gone, []byte("gone"))
		wantBlob(t, s, again, []byte("again"))
	}
	bury(t, s)
	wantBlob(t, s, gone, []byte("gone"))
}

func TestOneCollector(t *testing.T) {
	s := openTest(t, SHA256)
	unlock, err := s.LockCollector()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.LockCollector(); !errors.Is(err, errCollecting) {
		t.Errorf("a second one: %v", err)
	}
	unlock()
	if unlock, err = s.LockCollector(); err != nil {
		t.Fatal(err)
	}
	unlock()
}

func TestSweepLeavesWritersAlone(t *testing.T) {
	s := openTest(t, SHA256)
	for name, age := range map[string]time.Duration{"put-1-new": 0, "put-1-old": 2 * time.Hour} {
		path := filepath.Join(s.Dir(), "tmp", name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		at := time.Now().Add(-age)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Sweep(time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(filepath.Join(s.Dir(), "tmp"))
	if err != nil || len(left) != 1 || left[0].Name() != "put-1-new" {
		t.Errorf("left in tmp: %v, %v", left, err)
	}
}

func TestEachPassesOverWhatIsNoBlob(t *testing.T) {
	s := openTest(t, SHA256)
	want := map[Digest]bool{Sum(SHA256, []byte("a")): true, Sum(SHA256, []byte("b")): true}
	for _, content := range []string{"a", "b"} {
		put(t, s, content)
	}
	d := Sum(SHA256, []byte("a"))
	for _, path := range []string{"blobs/README", "blobs/md5/aa/x", "blobs/sha256/note", "blobs/sha256/" + d.Hex()[:2] + "/x", "blobs/sha256/zz/" + d.Hex()} {
		path = filepath.Join(s.Dir(), path)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, nil, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	got := map[Digest]bool{}
	if err := s.Each(func(d Digest) error { got[d] = true; return nil }); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// Whoever is told that a blob is kept finds it afterwards, however a collector works at the same moment.
func TestKeepBesideCollector(t *testing.T) {
	s := openTest(t, SHA256)
	s.youngFor = 0 // each Keep counts
	const blobs = 200
	var digests []Digest
	for i := range blobs {
		digests = append(digests, put(t, s, fmt.Sprint("blob ", i)))
	}
	var keepers sync.WaitGroup
	kept := make([]bool, blobs)
	start := make(chan struct{})
	for half := range 2 {
		keepers.Go(func() {
			<-start
			for i := half; i < blobs; i += 2 {
				ok, err := s.Keep(digests[i], int64(len(fmt.Sprint("blob ", i))))
				if err != nil {
					t.Error(err)
				}
				kept[i] = ok
			}
		})
	}
	close(start)
	condemned := 0
	for _, d := range digests {
		_, ok, err := s.Condemn(d, later())
		if err != nil {
			t.Fatal(err)
		}
		if ok {
			condemned++
		}
	}
	keepers.Wait()
	bury(t, s)
	lost := 0
	for i, d := range digests {
		_, err := s.Size(d)
		if kept[i] && err != nil {
			t.Errorf("blob %d was kept: %v", i, err)
		}
		if err != nil {
			lost++
		}
	}
	t.Logf("%d condemned, %d of them not taken back", condemned, lost)
}

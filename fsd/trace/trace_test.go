package trace

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/casview/casview/cas"
)

func newRecorder(t *testing.T) (*Recorder, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "trace")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return NewRecorder(f), path
}

func load(t *testing.T, path string) Trace {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	got, err := Load(f)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestLoadReturnsSortedUniqueEvents(t *testing.T) {
	r, path := newRecorder(t)
	d := cas.Sum(cas.SHA256, []byte("x"))
	r.Read("b")
	r.Read("a\nb")
	r.Read("b")
	r.Listed("")
	r.Listed("dir")
	r.Absent("no \xff utf8")
	r.Fault("b", d, errors.New("gone"))
	r.Fault("b", d, errors.New("later cause"))
	r.Fault("a", cas.Digest{}, nil)
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	want := Trace{
		Inputs: []string{"a\nb", "b"},
		Listed: []string{"", "dir"},
		Absent: []string{"no \xff utf8"},
		Faults: []Fault{{"a", cas.Digest{}, "unknown cause"}, {"b", d, "gone"}},
	}
	if got := load(t, path); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

func TestLoadIgnoresTornLastRecord(t *testing.T) {
	r, path := newRecorder(t)
	r.Read("first")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r.Fault("second", cas.Sum(cas.SHA256, nil), errors.New("cause"))
	both, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := len(whole) + 1; cut < len(both); cut++ {
		got, err := Load(bytes.NewReader(both[:cut]))
		if err != nil || !got.Torn || !slices.Equal(got.Inputs, []string{"first"}) || got.Faults != nil {
			t.Errorf("cut at %d: got %+v, %v", cut, got, err)
		}
	}
	zeros := append(slices.Clone(whole), make([]byte, 100)...)
	if got, err := Load(bytes.NewReader(zeros)); err != nil || !got.Torn || len(got.Inputs) != 1 {
		t.Errorf("zero tail: got %+v, %v", got, err)
	}
	if got, err := Load(strings.NewReader("")); err != nil || got.Torn || got.Inputs != nil {
		t.Errorf("empty: got %+v, %v", got, err)
	}
}

func TestRecorderIsSafeForConcurrentUse(t *testing.T) {
	r, path := newRecorder(t)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 500 {
				r.Read(fmt.Sprintf("f%d/%d", g, i))
				r.Absent(strings.Repeat("x", i))
			}
		})
	}
	wg.Wait()
	if got := load(t, path); len(got.Inputs) != 4000 || len(got.Absent) != 500 || got.Torn {
		t.Errorf("got %d inputs, %d absent, torn %v", len(got.Inputs), len(got.Absent), got.Torn)
	}
}

func TestRecorderStopsAtFirstWriteError(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	r := NewRecorder(full)
	r.Read("a")
	first := r.Err()
	r.Read("b")
	if first == nil || r.Err() != first {
		t.Errorf("got %v, then %v: want one sticky error", first, r.Err())
	}
}

func TestNilRecorderRecordsNothing(t *testing.T) {
	var r *Recorder
	r.Read("a")
	r.Fault("a", cas.Digest{}, nil)
	if err := r.Err(); err != nil {
		t.Error(err)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add(appendHeader(nil, kindRead, 1))
	f.Add(append(appendHeader(nil, kindFault, 3), 0, 0, 0))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := Load(bytes.NewReader(b)); err != nil {
			t.Errorf("got %v from a reader that does not fail", err)
		}
	})
}

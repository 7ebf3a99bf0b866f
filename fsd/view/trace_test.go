package view_test

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/casview/casview/fsd/trace"
)

func TestTraceHoldsExactlyWhatWasSeen(t *testing.T) {
	f := newFixture(t)
	for _, path := range []string{"src/a.c", "src/b.c", "src/statted.c", "src/opened.c", "other/x", "mapped"} {
		f.file(path, "content of "+path)
	}
	f.file("src/empty.h", "")
	f.file("src/unseen-empty.h", "")
	f.link("src/link", "a.c")
	f.link("src/unread-link", "b.c")
	f.dir("out")
	m := f.mount()
	for range 2 { // the second time adds nothing
		sh(t, `cd "$1"
			cat src/a.c > /dev/null
			cat src/link > /dev/null
			cat src/empty.h
			stat src/statted.c > /dev/null
			: < src/opened.c
			! cat src/a.h 2>/dev/null
			! stat other/absent/deeper 2>/dev/null
			ls -U src > /dev/null`, m.dir)
		user(t, call{Op: "mmap", Path: []byte(m.path("mapped"))})
	}
	want := trace.Trace{
		Inputs: []string{"mapped", "src/a.c", "src/empty.h", "src/link"},
		Listed: []string{"src"},
		Absent: []string{"other/absent", "src/a.h"},
	}
	if got := m.trace(); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	sh(t, `ls -l "$1" > /dev/null`, m.dir)
	want.Listed = []string{"", "src"}
	if got := m.trace(); !reflect.DeepEqual(got, want) {
		t.Errorf("after listing the root: got  %+v\nwant %+v", got, want)
	}
}

// An empty file must be traced even if the kernel has learned its directory's names from a listing.
func TestEmptyFileIsReadAfterListing(t *testing.T) {
	f := newFixture(t)
	for i := range 30 {
		f.file(fmt.Sprintf("d/empty%02d", i), "")
		f.file(fmt.Sprintf("d/full%02d", i), "x")
	}
	m := f.mount()
	sh(t, `cd "$1/d"; ls -U > /dev/null; ls -U > /dev/null`, m.dir)
	if got := m.trace(); got.Inputs != nil {
		t.Fatalf("listing reads %v", got.Inputs)
	}
	sh(t, `cat "$1/d/empty07"`, m.dir)
	if got := m.trace(); !reflect.DeepEqual(got.Inputs, []string{"d/empty07"}) {
		t.Errorf("inputs %v, want d/empty07", got.Inputs)
	}
}

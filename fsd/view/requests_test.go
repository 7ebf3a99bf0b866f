package view_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
)

type counts = map[string]uint64

// TestRequestCounts says what each kind of access costs the first time and every time after, on a mount where the
// requests that come once for its whole life have been made.
func TestRequestCounts(t *testing.T) {
	cases := []struct {
		name   string
		script string // "$1" is the mounted view
		first  counts
		again  counts // of two repetitions together
	}{
		{"stat file", `stat -c %s "$1/dir/stat-me"`, counts{"lookup": 1}, nil},
		{"open and read", `cat "$1/dir/read-me"`, counts{"lookup": 1, "read": 1}, nil},
		{"read empty", `cat "$1/dir/empty"`, counts{"lookup": 1}, nil},
		{"open without reading", `: < "$1/dir/open-me"`, counts{"lookup": 1}, nil},
		{"access", `test -r "$1/dir/access-me"`, counts{"lookup": 1}, nil},
		{"absent", `! test -e "$1/dir/absent"`, counts{"lookup": 1}, nil},
		{"absent in absent", `! test -e "$1/no/such/path"`, counts{"lookup": 1}, nil},
		{"readlink", `readlink "$1/dir/link"`, counts{"lookup": 1, "readlink": 1}, nil},
		{"through link", `cat "$1/dir/link2"`, counts{"lookup": 2, "readlink": 1, "read": 1}, nil},
		{"chdir", `cd "$1/sub"`, counts{"lookup": 1}, nil},
		{"list names", `ls -U "$1/list1"`, counts{"lookup": 1, "readdirplus": 2}, nil},
		{"list with attributes", `ls -l "$1/list2"`, counts{"lookup": 1, "readdirplus": 2}, nil},
		{"find", `find "$1/tree" -type f`, counts{"lookup": 3, "readdirplus": 6, "statfs": 1}, counts{"statfs": 2}},
		{"find newer", `find "$1/tree2" -newermt 1990-01-01`, counts{"lookup": 3, "readdirplus": 6, "statfs": 1}, counts{"statfs": 2}},
		{"SEEK_DATA copy", `cp "$1/dir/copy-me" /dev/null`, counts{"lookup": 1, "read": 1}, nil},
		{"copy tree", `rm -rf "$2" && cp -a "$1/tree3" "$2"`, counts{"lookup": 3, "readdirplus": 6, "read": 4}, nil},
		{"big file", `cat "$1/dir/big"`, nil, nil}, // how many READs is the kernel's readahead
	}
	f := newFixture(t)
	for _, name := range []string{"stat-me", "read-me", "open-me", "access-me", "copy-me", "target", "other", "warm"} {
		f.file("dir/"+name, "content of "+name)
	}
	f.file("dir/empty", "")
	f.file("dir/big", strings.Repeat("0123456789abcdef", 1<<17))
	f.link("dir/link", "target")
	f.link("dir/link2", "other")
	f.dir("sub")
	for _, dir := range []string{"list1", "list2", "warm"} {
		for i := range 20 {
			f.file(fmt.Sprintf("%s/f%d", dir, i), "x")
		}
	}
	for _, dir := range []string{"tree", "tree2", "tree3"} {
		for _, path := range []string{"a", "b", "d1/a", "d2/a"} {
			f.file(dir+"/"+path, path)
		}
	}
	root, scratch := f.finish(), t.TempDir()+"/copy"
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var m *mounted
			var first counts
			for range 3 { // see requestsWhenCached
				m = mountRoot(t, f.store, root, mountOptions{})
				// Whatever the kernel asks once per mount, and the directories that all cases share.
				sh(t, `cat "$1/dir/warm"; ls -l "$1/warm"; cp "$1/dir/warm" /dev/null; stat "$1"`, m.dir)
				first = m.requestsDuring(func() { sh(t, c.script, m.dir, scratch) })
				if c.first == nil || maps.Equal(first, c.first) {
					break
				}
			}
			if c.first != nil {
				wantRequests(t, "first time", first, c.first)
			}
			again := m.requestsWhenCached(c.again, func() {
				sh(t, c.script, m.dir, scratch)
				sh(t, c.script, m.dir, scratch)
			})
			wantRequests(t, "again", again, c.again)
		})
	}
}

// TestRequestsOncePerMount shows that what the view declines is asked once.
func TestRequestsOncePerMount(t *testing.T) {
	f := newFixture(t)
	for i := range 50 {
		f.file(fmt.Sprintf("f%d", i), "x")
	}
	m := f.mount()
	const script = `
		ls -l "$1"; for f in "$1"/*; do cat "$f"; cp -a "$f" "$2"; stat "$f"; done
		getfattr -d "$1"/* 2>&1 || true
		stat -f "$1"`
	got := m.requestsDuring(func() { sh(t, script, m.dir, t.TempDir()) })
	for _, op := range []string{"open", "opendir", "flush"} {
		if got[op] != 1 {
			t.Errorf("%d requests of %s, want 1", got[op], op)
		}
	}
	maps.DeleteFunc(got, func(op string, _ uint64) bool {
		return strings.Contains(" open opendir flush lseek read readdirplus statfs lookup getattr ", " "+op+" ")
	})
	wantRequests(t, "others", got, counts{})
}

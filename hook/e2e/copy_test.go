package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/casview/casview/fsd/result"
)

// GNU cp -a of a view keeps times to the nanosecond, and two paths with one blob stay two files.
func TestCopyOfTheViewKeepsTimes(t *testing.T) {
	r := newRunc(t, nil)
	a, b := time.Unix(1_600_000_000, 123_456_789), time.Unix(1_500_000_000, 987_654_321)
	root := r.place.store(t,
		file{path: "tree/one", content: "same\n", mode: 0o640, mtime: a},
		file{path: "tree/two", content: "same\n", mode: 0o755, mtime: b},
		file{path: "tree/link", symlink: "one"},
	)
	name := unique("copy")
	j := sh(root, name, `
		/usr/bin/cp -a tree copy
		/usr/bin/stat -c '%n %a %h %.9Y' tree/one tree/two copy/one copy/two`)
	j.binds = hostBinds()
	o := succeed(t, r, j)
	want := ""
	for _, dir := range []string{"tree", "copy"} {
		want += fmt.Sprintf("%s/one 640 1 1600000000.123456789\n%s/two 755 1 1500000000.987654321\n", dir, dir)
	}
	if o.stdout != want {
		t.Errorf("stat printed %q, expected %q", o.stdout, want)
	}
	got := r.place.complete(t, name)
	for path, w := range map[string]struct {
		mode uint32
		time time.Time
	}{"copy/one": {0o640, a}, "copy/two": {0o755, b}} {
		e := wantEntry(t, got, path, result.File)
		if e.Mode != w.mode || e.MtimeSec != w.time.Unix() || int(e.MtimeNsec) != w.time.Nanosecond() || e.Hash.Hex() != sha256Hex("same\n") {
			t.Errorf("%s: %+v", path, e)
		}
	}
	nothingLeft(t, r, name)
}

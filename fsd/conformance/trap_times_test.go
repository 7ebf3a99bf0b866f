package conformance

import (
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Times that a file can have: before 1970, with nanoseconds, after 2038 and 2106. All are in ext4's range.
var oddTimes = []unix.Timespec{
	{Sec: 0, Nsec: 1}, {Sec: 1_600_000_000, Nsec: 123_456_789}, {Sec: -1, Nsec: 999_999_999}, {Sec: -1 << 31, Nsec: 0},
	{Sec: 1<<31 - 1, Nsec: 999_999_999}, {Sec: 1 << 31, Nsec: 5}, {Sec: 1<<32 + 7, Nsec: 6}, {Sec: 9_999_999_999, Nsec: 7},
}

func TestTrapTimes(t *testing.T) {
	in := inputs{"input": {content: "x"}, "dir/a": {content: "a"}, "link": {symlink: "input"}}
	onEachPlace(t, in, func(t *testing.T, p *place) {
		h := p.hand(t, root)
		h.ok("put", "new", "new")
		h.ok("mkdir", "new-dir", "0755")
		h.ok("symlink", "x", "new-link")
		h.ok("mkfifo", "fifo", "0600")
		names := []string{"new", "input", "dir", "new-dir", "link", "new-link", "fifo"}
		for i := range oddTimes {
			for j, name := range names {
				mtime, atime := oddTimes[(i+j)%len(oddTimes)], oddTimes[(i+j+3)%len(oddTimes)]
				setTimes(t, p.path(name), atime, mtime)
				wantTimes(t, p.path(name), atime, mtime)
			}
			p.forget(t)
			for j, name := range names {
				wantTimes(t, p.path(name), oddTimes[(i+j+3)%len(oddTimes)], oddTimes[(i+j)%len(oddTimes)])
			}
		}
		// One of the two alone, and now.
		was := oddTimes[1]
		for _, name := range names {
			setTimes(t, p.path(name), was, was)
			setTimes(t, p.path(name), unix.Timespec{Nsec: unix.UTIME_OMIT}, unix.Timespec{Sec: 5})
			wantTimes(t, p.path(name), was, unix.Timespec{Sec: 5})
			setTimes(t, p.path(name), unix.Timespec{Nsec: unix.UTIME_NOW}, unix.Timespec{Nsec: unix.UTIME_OMIT})
			var st unix.Stat_t
			must(t, unix.Lstat(p.path(name), &st))
			if st.Mtim.Sec != 5 || !recent(st.Atim) {
				t.Errorf("%s: atime %v, mtime %v", name, st.Atim, st.Mtim)
			}
		}
		if r := p.result(); r != nil {
			for _, name := range []string{"new", "input", "new-link"} {
				if e, ok := r.HashedFiles.Find(name); !ok || e.MtimeSec != 5 || e.MtimeNsec != 0 {
					t.Errorf("%s: in the result: %v, %+v", name, ok, e)
				}
			}
		}
	})
}

func setTimes(t *testing.T, path string, atime, mtime unix.Timespec) {
	t.Helper()
	must(t, unix.UtimesNanoAt(unix.AT_FDCWD, path, []unix.Timespec{atime, mtime}, unix.AT_SYMLINK_NOFOLLOW))
}

func wantTimes(t *testing.T, path string, atime, mtime unix.Timespec) {
	t.Helper()
	var st unix.Stat_t
	must(t, unix.Lstat(path, &st))
	if st.Atim != atime || st.Mtim != mtime {
		t.Errorf("%s: atime %v, mtime %v; expected %v, %v", path, st.Atim, st.Mtim, atime, mtime)
	}
	if !recent(st.Ctim) {
		t.Errorf("%s: ctime %v", path, st.Ctim)
	}
}

// recent allows for the clock that filesystems use, which ticks some hundred times a second.
func recent(ts unix.Timespec) bool {
	age := time.Since(time.Unix(ts.Sec, ts.Nsec))
	return age > -time.Minute && age < 10*time.Minute
}

// A time that was set is not overwritten by what was written before: cp -p and tar set it before they close.
func TestTrapTimeSetBeforeClose(t *testing.T) {
	in := inputs{"input": {content: "x"}}
	onEachPlace(t, in, func(t *testing.T, p *place) {
		set := unix.Timespec{Sec: 1_000_000_000, Nsec: 123_456_789}
		for _, name := range []string{"new", "input"} {
			f, err := os.OpenFile(p.path(name), os.O_RDWR|os.O_CREATE, 0o644)
			must(t, err)
			_, err = f.WriteString("written")
			must(t, err)
			setTimes(t, p.path(name), set, set)
			wantTimes(t, p.path(name), set, set)
			must(t, f.Close())
			wantTimes(t, p.path(name), set, set)
			p.forget(t)
			wantTimes(t, p.path(name), set, set)
		}
		if r := p.result(); r != nil {
			for _, name := range []string{"new", "input"} {
				if e, ok := r.HashedFiles.Find(name); !ok || e.MtimeSec != set.Sec || int64(e.MtimeNsec) != set.Nsec {
					t.Errorf("%s: in the result: %v, %+v", name, ok, e)
				}
			}
		}
	})
}

// What changes a file or a directory changes its times, and what does not leaves them: make goes by that.
func TestTrapTimesMove(t *testing.T) {
	in := inputs{"dir/input": {content: "input"}, "dir/other": {content: "x"}}
	onEachPlace(t, in, func(t *testing.T, p *place) {
		h := p.hand(t, root)
		h.ok("mkdir", "new", "0755")
		h.ok("put", "new/file", "x")
		h.ok("put", "new/other", "x")
		for _, c := range []struct{ dir, file string }{{"dir", "dir/input"}, {"new", "new/file"}} {
			for _, step := range []struct {
				call              []string
				dir, mtime, ctime bool // whether each of these moves
			}{
				{[]string{"content", c.file}, false, false, false},
				{[]string{"list", c.dir}, false, false, false},
				{[]string{"chmod", c.file, "0600"}, false, false, true},
				{[]string{"put", c.file, "written"}, false, true, true},
				{[]string{"truncate", c.file, "3"}, false, true, true},
				{[]string{"truncate", c.file, "9"}, false, true, true},
				{[]string{"link", c.file, c.dir + "/linked"}, true, false, true},
				{[]string{"unlink", c.dir + "/linked"}, true, false, true},
				{[]string{"put", c.dir + "/made", "x"}, true, false, false},
				{[]string{"rename", c.dir + "/made", c.dir + "/made2"}, true, false, false},
				{[]string{"unlink", c.dir + "/other"}, true, false, false},
				{[]string{"mkdir", c.dir + "/sub", "0755"}, true, false, false},
				{[]string{"rmdir", c.dir + "/sub"}, true, false, false},
				{[]string{"chown", c.file, "1", "1"}, false, false, true},
			} {
				h.ok("touch", c.file, "1000")
				h.ok("touch", c.dir, "1000")
				ctime := statOf(t, p.path(c.file)).Ctim
				time.Sleep(15 * time.Millisecond) // more than a tick
				h.ok(step.call...)
				dir, file := statOf(t, p.path(c.dir)), statOf(t, p.path(c.file))
				if got := dir.Mtim.Sec != 1000; got != step.dir {
					t.Errorf("%q: the directory's mtime moved: %v", step.call, got)
				}
				if got := file.Mtim.Sec != 1000; got != step.mtime {
					t.Errorf("%q: the file's mtime moved: %v", step.call, got)
				}
				if got := file.Ctim != ctime; got != step.ctime {
					t.Errorf("%q: the file's ctime moved: %v, from %v to %v", step.call, got, ctime, file.Ctim)
				}
			}
		}
	})
}

// A time that was set stays, whatever was stored to a mapping before.
func TestTrapTimeSetWhileMapped(t *testing.T) {
	onEachPlace(t, inputs{"input": {content: "0123456789"}}, func(t *testing.T, p *place) {
		h := p.hand(t, root)
		h.ok("put", "new", "0123456789")
		for _, name := range []string{"input", "new"} {
			h.ok("open", name, name, "O_RDWR")
			h.ok("map", name, "10", "rw", "SHARED")
			h.ok("poke", name, "0", "stored")
			h.ok("touch", name, "1000")
			h.ok("unmap", name)
			h.ok("close", name)
			p.differs(t, timeOfMapping, statOf(t, p.path(name)).Mtim.Sec == 1000)
		}
	})
}

// The kernel writes times back whenever it wants, also while a truncate(2) is under way that tells newer ones.
func TestTrapTimeWrittenBackLate(t *testing.T) {
	onEachPlace(t, inputs{"input": {content: "x"}}, func(t *testing.T, p *place) {
		for i := range 100 {
			f, err := os.OpenFile(p.path("input"), os.O_RDWR, 0)
			must(t, err)
			_, err = f.WriteAt([]byte("written"), 0)
			must(t, err)
			time.Sleep(5 * time.Millisecond) // more than a tick
			synced := make(chan error)
			go func() { synced <- unix.Syncfs(int(f.Fd())) }()
			must(t, f.Truncate(int64(100+i)))
			must(t, <-synced)
			was := statOf(t, p.path("input")).Mtim
			must(t, f.Close())
			p.forget(t)
			if is := statOf(t, p.path("input")).Mtim; is != was {
				t.Fatalf("after %d rounds: mtime was %v, is %v", i+1, was, is)
			}
		}
	})
}

// Copying up is nobody's business: neither the file nor its directories look changed.
func TestTrapCopyUpKeepsTimes(t *testing.T) {
	odd := unix.Timespec{Sec: -7, Nsec: 123_456_789}
	calls := map[string][]string{
		"chmod": {"chmod", "dir/sub/chmod", "0600"}, "chown": {"chown", "dir/sub/chown", "1", "1"},
		"setxattr": {"setxattr", "dir/sub/setxattr", "user.x", "v"}, "open": {"open", "f", "dir/sub/open", "O_RDWR"},
		"write": {"put", "dir/sub/write", "written"}, "truncate": {"truncate", "dir/sub/truncate", "0"},
		"link": {"link", "dir/sub/link", "linked"}, "rename": {"rename", "dir/sub/rename", "dir/sub/renamed"},
	}
	in := inputs{"dir": {dir: true, mtime: odd}, "dir/sub": {dir: true, mtime: odd}}
	for name := range calls {
		in["dir/sub/"+name] = input{content: "content", mtime: odd}
	}
	onEachPlace(t, in, func(t *testing.T, p *place) {
		h := p.hand(t, root)
		// The last one changes the directory.
		for _, name := range []string{"chmod", "chown", "setxattr", "open", "write", "truncate", "link", "rename"} {
			h.ok(calls[name]...)
			path := map[string]string{"rename": "dir/sub/renamed"}[name]
			if path == "" {
				path = "dir/sub/" + name
			}
			for _, again := range []string{"", "after the kernel has forgotten it, "} {
				changed := name == "write" || name == "truncate"
				if st := statOf(t, p.path(path)); (st.Mtim != odd) != changed {
					t.Errorf("%s%s: mtime %v", again, name, st.Mtim)
				}
				if st := statOf(t, p.path("dir/sub")); st.Mtim != odd && name != "rename" {
					t.Errorf("%s%s: mtime of its directory %v", again, name, st.Mtim)
				}
				if st := statOf(t, p.path("dir")); st.Mtim != odd {
					t.Errorf("%s%s: mtime of the directory above %v", again, name, st.Mtim)
				}
				p.forget(t)
			}
		}
	})
}

func statOf(t *testing.T, path string) unix.Stat_t {
	t.Helper()
	var st unix.Stat_t
	must(t, unix.Lstat(path, &st))
	return st
}

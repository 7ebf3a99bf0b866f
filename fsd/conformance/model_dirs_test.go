package conformance

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// dirOperations read directories, at once and while they change.
func dirOperations() []*operation {
	return []*operation{
		{name: "list", weight: 4, make: makeDir, do: doList, show: showPath},
		{name: "opendir", weight: 6, make: makeDirAt, do: doOpenDir,
			show: func(s *step) string { return showDirAt(s) + " " + quote(s.path) }},
		{name: "readdir", needs: aDir, weight: 6, make: makeDirAt, do: doReadDir, show: showDirAt},
		{name: "readdirRest", needs: aDir, weight: 3, make: makeDirAt, do: doReadDirRest, show: showDirAt},
		{name: "seekdir", needs: aDir, weight: 2, make: makeDirAt, do: doSeekDir, show: showDirAt},
		{name: "rewinddir", needs: aDir, weight: 2, make: makeDirAt, do: doRewindDir, show: showDirAt},
		{name: "createat", needs: aDir, names: true, weight: 2, make: makeNameAt, do: doCreateAt, show: showNameAt},
		{name: "mkdirat", needs: aDir, names: true, weight: 2, make: makeNameAt, show: showNameAt,
			do: func(w *world, s *step) outcome { return failed(unix.Mkdirat(w.dirFD(s.fd2), s.name, s.mode)) }},
		{name: "unlinkat", needs: aDir, names: true, weight: 2, make: makeNameAt, show: showNameAt,
			do: func(w *world, s *step) outcome { return failed(unix.Unlinkat(w.dirFD(s.fd2), s.name, s.flags)) }},
		{name: "forget", weight: 1, make: func(*generator, *step) {}, do: doForget, show: func(*step) string { return "" }},
	}
}

func showDirAt(s *step) string { return fmt.Sprintf("dir%d n=%d", s.fd2, s.n) }

func showNameAt(s *step) string {
	return fmt.Sprintf("dir%d %s %04o %s", s.fd2, quote(s.name), s.mode, flagNames(s.flags, []flagName{{"REMOVEDIR", unix.AT_REMOVEDIR}}))
}

// reading is a directory that is being read while it may change. POSIX leaves open whether a name is listed that came or
// went meanwhile. One that was there all the time is listed once.
type reading struct {
	path  string // where it was opened
	fd    int
	watch int // in the plain directory: another descriptor, to look at it without moving the first
	got   []dirent
	marks []mark
	// always were there at every step since the reading began, and are the same inodes; ever were there at some step.
	always map[string]uint64
	ever   map[string]bool
}

// mark is where a reading once was: what to seek to, and how much it had got.
type mark struct {
	next int64
	got  int
}

func (r *reading) close() error {
	err := unix.Close(r.fd)
	if r.watch >= 0 {
		err = errors.Join(err, unix.Close(r.watch))
	}
	return err
}

func newReading(path string, watched bool) (*reading, error) {
	fd, err := openDir(path)
	if err != nil {
		return nil, err
	}
	r := &reading{fd: fd, watch: -1}
	if watched {
		if r.watch, err = openDir(path); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// begin starts to read from the top again.
func (r *reading) begin() error {
	r.marks, r.got, r.always, r.ever = nil, nil, nil, map[string]bool{}
	return r.look()
}

// look notes what is in a watched directory now.
func (r *reading) look() error {
	if r.watch < 0 {
		return nil
	}
	if _, err := unix.Seek(r.watch, 0, unix.SEEK_SET); err != nil {
		return err
	}
	entries, err := readRest(r.watch)
	if err != nil && err != unix.ENOENT { // it was removed
		return err
	}
	now := map[string]uint64{}
	for _, e := range entries {
		now[e.name] = e.ino
		r.ever[e.name] = true
	}
	if r.always == nil {
		r.always = now
		return nil
	}
	for name, ino := range r.always {
		if now[name] != ino {
			delete(r.always, name)
		}
	}
	return nil
}

// part reads as many entries as fit into a few bytes.
func (r *reading) part(size int) error {
	some, err := readDirents(r.fd, make([]byte, size))
	if err == unix.EINVAL { // not even one: with a name of 255 bytes it takes 280
		some, err = readDirents(r.fd, make([]byte, 280))
	}
	if err != nil {
		return err
	}
	r.got = append(r.got, some...)
	if len(some) > 0 {
		r.marks = append(r.marks, mark{some[len(some)-1].next, len(r.got)})
	}
	return nil
}

func (r *reading) rest() error {
	some, err := readRest(r.fd)
	r.got = append(r.got, some...)
	return err
}

// wrong says what a finished reading has listed against the rules, which are the plain directory's.
func (r *reading) wrong(rules *reading) string {
	times := map[string]int{}
	for _, e := range r.got {
		times[e.name]++
	}
	var wrong []string
	for name := range rules.always {
		if times[name] != 1 {
			wrong = append(wrong, fmt.Sprintf("%q was there all the time and is listed %d times", name, times[name]))
		}
	}
	for name := range times {
		if !rules.ever[name] {
			wrong = append(wrong, fmt.Sprintf("%q was never there and is listed", name))
		}
	}
	slices.Sort(wrong)
	return strings.Join(wrong, "; ")
}

func doOpenDir(w *world, s *step) outcome {
	if old := w.dirs[s.fd2]; old != nil {
		w.dirs[s.fd2] = nil
		if err := old.close(); err != nil {
			return failed(err)
		}
	}
	r, err := newReading(w.at(s.path), w.plain)
	if err != nil {
		return failed(err)
	}
	w.dirs[s.fd2], r.path = r, s.path
	if err := r.begin(); err != nil {
		return failed(err)
	}
	return failed(r.part(64 + 2*s.n))
}

func doReadDir(w *world, s *step) outcome {
	r := w.dirs[s.fd2]
	if r == nil {
		return failed(unix.EBADF)
	}
	return failed(r.part(64 + 2*s.n))
}

func doReadDirRest(w *world, s *step) outcome {
	r := w.dirs[s.fd2]
	if r == nil {
		return failed(unix.EBADF)
	}
	return failed(r.rest())
}

// doSeekDir goes back to where an earlier call had stopped, and reads on from there. Where that was may differ.
func doSeekDir(w *world, s *step) outcome {
	r := w.dirs[s.fd2]
	if r == nil {
		return failed(unix.EBADF)
	}
	var err error
	if len(r.marks) > 0 {
		at := r.marks[s.n%len(r.marks)]
		_, err = unix.Seek(r.fd, at.next, unix.SEEK_SET)
		r.got, r.marks = r.got[:at.got], r.marks[:s.n%len(r.marks)+1]
	}
	// In a removed directory reading fails everywhere, and the seek on some filesystems.
	if gone := r.rest(); gone != nil {
		return failed(gone)
	}
	return failed(err)
}

// doRewindDir reads all from the top.
func doRewindDir(w *world, s *step) outcome {
	r := w.dirs[s.fd2]
	if r == nil {
		return failed(unix.EBADF)
	}
	if _, err := unix.Seek(r.fd, 0, unix.SEEK_SET); err != nil {
		return failed(err)
	}
	if err := r.begin(); err != nil {
		return failed(err)
	}
	return failed(r.rest())
}

// dirFD is the descriptor of an open directory, wherever that was moved to, or -1.
func (w *world) dirFD(place int) int {
	if r := w.dirs[place]; r != nil {
		return r.fd
	}
	return -1
}

func doCreateAt(w *world, s *step) outcome {
	fd, err := unix.Openat(w.dirFD(s.fd2), s.name, unix.O_WRONLY|unix.O_CREAT|unblocked, s.mode)
	if err != nil {
		return failed(err)
	}
	n, err := unix.Write(fd, fill(s.n, s.data))
	if closed := unix.Close(fd); err == nil {
		err = closed
	}
	return counted(n, err)
}

// doForget makes the kernel forget the view, but for what is open.
func doForget(w *world, _ *step) outcome {
	if w.drop == nil {
		return outcome{}
	}
	return failed(w.drop())
}

// doList is a listing while nothing changes: names, types, and the same inode numbers as stat has.
func doList(w *world, s *step) outcome {
	entries, err := listDir(w.at(s.path))
	if err != nil {
		return failed(err)
	}
	var all []string
	for _, e := range entries {
		line := fmt.Sprintf("%s type %d", quote(e.name), e.kind)
		if !e.dots() {
			n, err := statPath(w.at(s.path)+"/"+e.name, noFollow, w.mask())
			switch {
			case err != nil:
				line += " but stat says " + err.Error()
			case n.Ino != e.ino && !w.unsteady:
				line += fmt.Sprintf(" with inode number %#x but stat says %#x", e.ino, n.Ino)
			}
		}
		all = append(all, line)
	}
	slices.Sort(all)
	return outcome{n: int64(len(all)), data: strings.Join(all, "\n")}
}

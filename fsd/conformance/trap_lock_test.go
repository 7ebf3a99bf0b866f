package conformance

import (
	"strconv"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// lockPlaces runs fn for files that locks are taken on: an input, one that is copied up while it is locked, a new
// file, and one that the other process knows by another name.
func lockPlaces(t *testing.T, fn func(t *testing.T, p *place, file, otherName string)) {
	t.Helper()
	in := inputs{"input": {content: "0123456789"}, "linked": {content: "0123456789"}}
	onEachPlace(t, in, func(t *testing.T, p *place) {
		h := p.hand(t, root)
		h.ok("put", "new", "0123456789")
		h.ok("link", "new", "new2")
		h.ok("link", "linked", "linked2")
		for _, c := range [][2]string{{"input", "input"}, {"new", "new"}, {"new", "new2"}, {"linked", "linked2"}} {
			fn(t, p, c[0], c[1])
		}
	})
}

// flock locks are the open file's. They keep other processes out and end with theirs.
func TestTrapFlock(t *testing.T) {
	lockPlaces(t, func(t *testing.T, p *place, file, otherName string) {
		h, other := p.hand(t, root), p.hand(t, root)
		h.ok("open", "f", file, "O_RDONLY")
		h.ok("flock", "f", "LOCK_EX")
		other.ok("open", "f", otherName, "O_RDWR") // which copies an input up
		other.ok("pwrite", "f", "0", "x")
		other.fails(unix.EWOULDBLOCK, "flock", "f", "LOCK_EX|LOCK_NB")
		other.fails(unix.EWOULDBLOCK, "flock", "f", "LOCK_SH|LOCK_NB")
		h.ok("open", "again", file, "O_RDWR")
		h.fails(unix.EWOULDBLOCK, "flock", "again", "LOCK_EX|LOCK_NB")
		h.ok("close", "again")
		other.fails(unix.EWOULDBLOCK, "flock", "f", "LOCK_EX|LOCK_NB")
		h.ok("flock", "f", "LOCK_SH")
		other.ok("flock", "f", "LOCK_SH|LOCK_NB")
		h.fails(unix.EWOULDBLOCK, "flock", "f", "LOCK_EX|LOCK_NB")
		other.ok("flock", "f", "LOCK_UN")
		h.ok("flock", "f", "LOCK_EX|LOCK_NB")

		other.begin("flock", "f", "LOCK_EX") // waits
		h.kill()
		if a := other.finish(); a.Errno != 0 {
			t.Errorf("flock after the holder was killed: %s", a)
		}
		next := p.hand(t, root)
		next.ok("open", "f", file, "O_RDWR")
		next.begin("flock", "f", "LOCK_SH")
		other.ok("flock", "f", "LOCK_UN")
		if a := next.finish(); a.Errno != 0 {
			t.Errorf("flock after the holder let go: %s", a)
		}
		next.end()
	})
}

// POSIX locks are a process's, by ranges of bytes.
func TestTrapPosixLocks(t *testing.T) {
	lockPlaces(t, func(t *testing.T, p *place, file, otherName string) {
		h, other := p.hand(t, root), p.hand(t, root)
		h.ok("open", "f", file, "O_RDWR")
		other.ok("open", "f", otherName, "O_RDWR")
		h.ok("lock", "f", "w", "10", "10")
		other.fails(unix.EAGAIN, "lock", "f", "w", "15", "1")
		other.fails(unix.EAGAIN, "lock", "f", "r", "0", "11")
		other.fails(unix.EAGAIN, "lock", "f", "w", "0", "0") // to the end, wherever it is
		other.ok("lock", "f", "w", "20", "5")
		other.ok("lock", "f", "r", "0", "10")
		other.says(h.ok("pid")+" 10+10", "locker", "f", "5", "10")
		h.says(other.ok("pid")+" 20+5", "locker", "f", "10", "0")
		h.ok("lock", "f", "u", "12", "4") // what is left are two locks
		other.ok("lock", "f", "w", "12", "4")
		other.fails(unix.EAGAIN, "lock", "f", "w", "16", "1")
		h.ok("lock", "f", "r", "16", "4")
		other.ok("lock", "f", "r", "17", "1")
		h.fails(unix.EAGAIN, "lock", "f", "w", "16", "4")

		// flock has nothing to do with it.
		other.ok("flock", "f", "LOCK_EX|LOCK_NB")
		other.ok("flock", "f", "LOCK_UN")

		// Closing any descriptor of the file lets all of the process's locks go.
		h.ok("lock", "f", "w", "10", "2")
		h.ok("open", "again", otherName, "O_RDONLY")
		h.ok("close", "again")
		other.ok("lock", "f", "w", "0", "0")
		h.begin("lock", "f", "w", "30", "1", "wait")
		other.kill()
		if a := h.finish(); a.Errno != 0 {
			t.Errorf("lock after the holder was killed: %s", a)
		}
		// A lock for reading needs a descriptor for reading, one for writing one for writing.
		h.ok("open", "ro", file, "O_RDONLY")
		h.fails(unix.EBADF, "lock", "ro", "w", "0", "1")
		h.ok("open", "wo", file, "O_WRONLY")
		h.fails(unix.EBADF, "lock", "wo", "r", "0", "1")
		h.end()
	})
}

// Of two processes that wait for each other one is told, and the other gets its lock.
func TestTrapLockDeadlock(t *testing.T) {
	onEachPlace(t, inputs{"input": {content: "0123456789"}}, func(t *testing.T, p *place) {
		hands := []*hand{p.hand(t, root), p.hand(t, root)}
		for i, h := range hands {
			h.ok("open", "f", "input", "O_RDWR")
			h.ok("lock", "f", "w", strconv.Itoa(i), "1")
		}
		answers := make(chan unix.Errno)
		var waiting sync.WaitGroup
		defer waiting.Wait()
		for i, h := range hands {
			h.begin("lock", "f", "w", strconv.Itoa(1-i), "1", "wait")
			waiting.Go(func() {
				a := h.finish()
				answers <- a.Errno
				if a.Errno != 0 {
					h.kill() // its locks go
				}
			})
		}
		if first, second := <-answers, <-answers; first != unix.EDEADLK || second != 0 {
			t.Errorf("%v, then %v; expected EDEADLK, then a lock", first, second)
		}
	})
}

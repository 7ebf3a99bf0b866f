package conformance

import (
	"testing"

	"golang.org/x/sys/unix"
)

// Who has opened a file before it got a second name sees what is written through that, and the other way round.
func TestTrapDescriptorBeforeLink(t *testing.T) {
	in := inputs{"input-rw": {content: "before"}, "input-ro": {content: "before"}}
	onEachPlace(t, in, func(t *testing.T, p *place) {
		h, other := p.hand(t, root), p.hand(t, root)
		h.ok("put", "new", "before")
		for _, name := range []string{"new", "input-rw"} {
			h.ok("open", name, name, "O_RDWR")
			h.says("before", "pread", name, "0", "9")
			other.ok("link", name, name+"2")
			other.ok("open", name, name+"2", "O_RDWR")
			other.ok("pwrite", name, "0", "AFTER")
			h.says("AFTERe", "pread", name, "0", "9")
			h.ok("pwrite", name, "5", "R and more")
			other.says("AFTERR and more", "pread", name, "0", "99")
			h.says("2 15", "fstat", name, "nlink", "size")
			other.ok("unlink", name)
			h.says("1 15", "fstat", name, "nlink", "size")
			h.ok("ftruncate", name, "5")
			other.says("AFTER", "content", name+"2")
		}
		h.ok("open", "ro", "input-ro", "O_RDONLY")
		other.ok("link", "input-ro", "input-ro2")
		other.ok("put", "input-ro2", "AFTER!")
		h.says("AFTER!", "pread", "ro", "0", "9")
		h.says("AFTER!", "content", "input-ro")
		h.says("2", "fstat", "ro", "nlink")
		p.wantResult(t, []string{"input-ro: AFTER!", "input-ro2 = input-ro", "input-rw2: AFTER", "new2: AFTER"}, "input-rw")
	})
}

// A shared mapping of one name is the file, whatever name others use.
func TestTrapMappedHardlink(t *testing.T) {
	onEachPlace(t, inputs{"input": {content: "0123456789"}}, func(t *testing.T, p *place) {
		h, other := p.hand(t, root), p.hand(t, root)
		h.ok("put", "new", "0123456789")
		for _, name := range []string{"new", "input"} {
			h.ok("open", name, name, "O_RDWR")
			h.ok("map", name, "10", "rw", "SHARED")
			h.says("0123456789", "peek", name, "0", "10")
			other.ok("link", name, name+"2")
			other.ok("open", name, name+"2", "O_RDWR")
			other.ok("map", name, "10", "rw", "SHARED")
			other.ok("poke", name, "0", "AB")
			h.says("AB23456789", "peek", name, "0", "10")
			other.ok("pwrite", name, "2", "CD")
			h.says("ABCD456789", "peek", name, "0", "10")
			h.ok("poke", name, "8", "YZ")
			other.says("ABCD4567YZ", "peek", name, "0", "10")
			other.says("ABCD4567YZ", "content", name)
			h.ok("unlink", name)
			p.crowd(h)
			h.ok("poke", name, "4", "!")
			h.ok("unmap", name)
			other.says("ABCD!567YZ", "content", name+"2")
			other.ok("unmap", name)
		}
		p.wantResult(t, []string{"input2: ABCD!567YZ", "new2: ABCD!567YZ"}, "input")
	})
}

// A second name of an input is the same file from the first moment, and stays it without the first.
func TestTrapHardlinkOfInput(t *testing.T) {
	in := inputs{"dir/input": {content: "input", mode: 0o640}, "dir/link": {symlink: "input"}, "kept": {content: "kept"}}
	onEachPlace(t, in, func(t *testing.T, p *place) {
		h, other := p.hand(t, root), p.hand(t, root)
		before := h.ok("stat", "dir/input", "ino", "mode", "size")
		h.ok("link", "dir/input", "second")
		other.says(before, "stat", "second", "ino", "mode", "size")
		other.says("2", "stat", "dir/input", "nlink")
		other.ok("link", "second", "dir/third")
		h.ok("open", "f", "second", "O_WRONLY|O_APPEND")
		h.ok("write", "f", " and more")
		other.says("input and more", "content", "dir/input")
		h.ok("chmod", "dir/third", "0600")
		other.says("0600 3", "stat", "second", "mode", "nlink")
		other.ok("unlink", "dir/input")
		p.crowd(other)
		h.ok("write", "f", " still")
		h.says("input and more still", "content", "second")
		other.says("2", "stat", "dir/third", "nlink")
		// The old name is free.
		other.ok("put", "dir/input", "another")
		h.says("input and more still", "content", "second")

		h.ok("link", "dir/link", "link2") // a symlink itself gets a second name
		h.says("input", "readlink", "link2")
		h.says("2", "stat", "dir/link", "nlink")
		h.fails(unix.EEXIST, "link", "second", "kept")
		h.fails(unix.EPERM, "link", "dir", "dir2")
		h.says("kept", "content", "kept")
		p.wantResult(t, []string{
			"dir/input: another", "dir/link -> input", "dir/third: input and more still", "link2 -> input", "second = dir/third",
		})
	})
}

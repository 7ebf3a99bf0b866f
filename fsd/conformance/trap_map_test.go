package conformance

import (
	"testing"

	"golang.org/x/sys/unix"
)

// What is written to a private mapping is nobody else's, and needs no right to write.
func TestTrapPrivateMapping(t *testing.T) {
	in := inputs{"input": {content: "0123456789", mode: 0o444}}
	onEachPlace(t, in, func(t *testing.T, p *place) {
		h, other := p.hand(t, alice), p.hand(t, root)
		other.ok("put", "new", "0123456789")
		for _, name := range []string{"input", "new"} {
			h.ok("open", name, name, "O_RDONLY")
			h.fails(unix.EACCES, "map", name, "10", "rw", "SHARED")
			h.ok("map", name, "10", "rw", "PRIVATE")
			h.ok("poke", name, "0", "mine")
			h.says("mine456789", "peek", name, "0", "10")
			h.says("0123456789", "pread", name, "0", "99")
			other.says("0123456789", "content", name)
			h.ok("unmap", name)
			h.ok("map", name, "10", "rw", "PRIVATE")
			h.says("0123456789", "peek", name, "0", "10")
		}
		p.wantResult(t, []string{"new: 0123456789"})
	})
}

// A mapping keeps the file: neither the descriptor nor the name is needed.
func TestTrapMappingAlone(t *testing.T) {
	onEachPlace(t, inputs{"input": {content: "0123456789"}}, func(t *testing.T, p *place) {
		h, other := p.hand(t, root), p.hand(t, root)
		other.ok("put", "new", "0123456789")
		for _, name := range []string{"input", "new"} {
			h.ok("open", name, name, "O_RDWR")
			h.ok("map", name, "10", "rw", "SHARED")
			h.ok("close", name)
			h.ok("poke", name, "0", "AB")
			other.says("AB23456789", "content", name)
			other.ok("open", name, name, "O_RDWR")
			h.ok("rename", name, name+"2")
			h.ok("poke", name, "2", "CD")
			other.says("ABCD456789", "content", name+"2")
			other.ok("unlink", name+"2")
			h.ok("poke", name, "4", "EF")
			other.says("ABCDEF6789", "pread", name, "0", "99")
			h.says("ABCDEF6789", "peek", name, "0", "10")
		}
		p.wantResult(t, nil, "input")
	})
}

// What is written to a mapping and never synced is in the file when the process has ended, however it ends.
func TestTrapMappingOfEndedProcess(t *testing.T) {
	onEachPlace(t, inputs{"input": {content: "0123456789"}}, func(t *testing.T, p *place) {
		h, other := p.hand(t, root), p.hand(t, root)
		h.ok("put", "new", "0123456789")
		for _, name := range []string{"input", "new"} {
			h.ok("open", name, name, "O_RDWR")
			h.ok("map", name, "10", "rw", "SHARED")
			h.ok("poke", name, "3", "killed")
		}
		h.kill()
		other.says("012killed9", "content", "input")
		p.wantResult(t, []string{"input: 012killed9", "new: 012killed9"})
	})
}

// A page of a mapping reaches beyond the end of the file. What is put there is not in the file, also when it grows
// later.
func TestTrapMappingBeyondTheEnd(t *testing.T) {
	onEachPlace(t, inputs{"input": {content: "0123456789"}}, func(t *testing.T, p *place) {
		h, other := p.hand(t, root), p.hand(t, root)
		h.ok("put", "new", "0123456789")
		for _, name := range []string{"input", "new"} {
			h.ok("open", name, name, "O_RDWR")
			h.ok("map", name, "4096", "rw", "SHARED")
			h.says("\x00\x00", "peek", name, "10", "2")
			h.ok("poke", name, "8", "XYZ beyond")
			h.ok("fsync", name)
			h.says("10", "fstat", name, "size")
			other.says("01234567XY", "content", name)
			other.ok("truncate", name, "14")
			other.says("01234567XY\x00\x00\x00\x00", "content", name)
			h.says("01234567XY\x00\x00\x00\x00", "peek", name, "0", "14")
		}
	})
}

// A reader's mapping follows the file when it is copied up.
func TestTrapMappingBeforeCopyUp(t *testing.T) {
	in := inputs{"touched": {content: "before"}, "untouched": {content: "before"}, "later": {content: "before"}}
	onEachPlace(t, in, func(t *testing.T, p *place) {
		h, other := p.hand(t, root), p.hand(t, root)
		for name := range in {
			h.ok("open", name, name, "O_RDONLY")
		}
		h.ok("map", "touched", "6", "r", "SHARED")
		h.says("before", "peek", "touched", "0", "6")
		h.ok("map", "untouched", "6", "r", "SHARED")
		for name := range in {
			other.ok("put", name, "AFTER!")
		}
		h.ok("map", "later", "6", "r", "SHARED")
		for name := range in {
			p.differs(t, staleMappings, h.ok("peek", name, "0", "6") == "AFTER!")
			h.says("AFTER!", "pread", name, "0", "9")
			h.says("AFTER!", "content", name)
		}
	})
}

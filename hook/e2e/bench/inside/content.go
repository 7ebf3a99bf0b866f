package inside

import (
	"encoding/binary"
	"fmt"
)

// Page is the unit of contents: all files of the benchmark's own are made of pages that differ from each other, so that no
// store and no filesystem finds two alike, and a page read from the wrong place is seen.
const Page = 4096

// word is one of the 8-byte words of a page: splitmix64 of where it is.
func word(page, at uint64) uint64 {
	z := page<<9 + at/8
	z = (z + 1) * 0x9E3779B97F4A7C15
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// Fill fills whole pages with the contents of page and those that follow it.
func Fill(b []byte, page uint64) {
	for at := 0; at < len(b); at += 8 {
		binary.LittleEndian.PutUint64(b[at:], word(page+uint64(at/Page), uint64(at%Page)))
	}
}

// startsRight says whether a page starts as it must. That costs nothing within a step that is timed.
func startsRight(b []byte, page uint64) bool { return binary.LittleEndian.Uint64(b) == word(page, 0) }

// stamp makes a page start right, and leaves the rest of it.
func stamp(b []byte, page uint64) { binary.LittleEndian.PutUint64(b, word(page, 0)) }

// Name is the path of file i in a tree that has so many files in each directory.
func Name(i, inEach int) string { return fmt.Sprintf("d%03d/f%03d", i/inEach, i%inEach) }

package conformance

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Lines that processes append at the same time are all there, each in one piece.
func TestTrapAppendFromProcesses(t *testing.T) {
	const lines = 500
	onEachPlace(t, inputs{"input": {content: "first\n"}}, func(t *testing.T, p *place) {
		writers := []*hand{p.hand(t, root), p.hand(t, root), p.hand(t, root)}
		writers[0].ok("put", "new", "first\n")
		writers[0].ok("link", "new", "new2")
		for _, name := range []string{"input", "new"} {
			for i, w := range writers {
				path := name
				if name == "new" && i == 0 {
					path = "new2"
				}
				w.ok("open", name, path, "O_WRONLY|O_APPEND")
				w.begin("appendlines", name, fmt.Sprint(i), fmt.Sprint(lines))
			}
			for _, w := range writers {
				if a := w.finish(); a.Errno != 0 {
					t.Errorf("append: %s", a)
				}
			}
			wantLinesOf(t, writers[0].ok("content", name), len(writers), lines)
		}
	})
}

// wantLinesOf requires the first line and then each writer's, in that writer's order.
func wantLinesOf(t *testing.T, content string, writers, lines int) {
	t.Helper()
	got := strings.Split(strings.TrimSuffix(content, "\n"), "\n")
	next := make([]int, writers)
	for i, line := range got[1:] {
		var w, n int
		if _, err := fmt.Sscanf(line, "%d %d", &w, &n); err != nil || w < 0 || w >= writers || n != next[w] {
			t.Fatalf("line %d is %q, after %v lines of the writers", i+1, line, next)
		}
		next[w]++
	}
	if got[0] != "first" || slices.Min(next) != lines {
		t.Errorf("first line %q, then lines of the writers: %v", got[0], next)
	}
}

// A position is the descriptor's, and O_APPEND ignores it, also for pwrite (Linux).
func TestTrapAppendIgnoresPosition(t *testing.T) {
	onEachPlace(t, inputs{"input": {content: "0123456789"}}, func(t *testing.T, p *place) {
		h, other := p.hand(t, root), p.hand(t, root)
		h.ok("put", "new", "0123456789")
		for _, name := range []string{"input", "new"} {
			h.ok("open", name, name, "O_RDWR|O_APPEND")
			h.says("012", "read", name, "3")
			h.ok("pwrite", name, "2", "AB")
			other.says("0123456789AB", "content", name)
			h.ok("write", name, "CD")
			h.says("", "read", name, "9")
			other.ok("truncate", name, "4")
			h.ok("write", name, "EF")
			other.says("0123EF", "content", name)
		}
		p.wantResult(t, []string{"input: 0123EF", "new: 0123EF"})
	})
}

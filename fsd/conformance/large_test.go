package conformance

import (
	"slices"
	"strings"
	"testing"

	"github.com/casview/casview/fsd/result"
)

// largeFile is the size from which on an input of these tests is in the layer of large files, where there is one: low enough
// for the inputs of most tests to be in both.
const largeFile = 4096

// A large input goes past the daemon: it is opened there and no READ comes. All other tests of this package have such inputs,
// and would be the same without the layer.
func TestLargeInputsPassThrough(t *testing.T) {
	content := strings.Repeat("l", largeFile)
	in := inputs{"large": {content: content}, "dir/large": {content: content + "l"}, "dir/small": {content: content[1:]}}
	onEachDriver(t, func(t *testing.T, driver string) {
		m := mountView(t, options{driver: driver, inputs: in})
		must(t, runJob(m.Dir, "read large\nread dir/large\nread dir/small\nstat dir/small\nlist dir\n"))
		r := m.End()
		if want := []result.Path{"dir/large", "dir/small", "large"}; !slices.Equal(r.Inputs, want) {
			t.Errorf("inputs %q, want %q", r.Inputs, want)
		}
		reads := uint64(len(r.Inputs))
		if driver == "overlay" {
			reads = 1
		}
		if got := r.Stats.FuseRequests["read"]; got != reads {
			t.Errorf("%d READs, want %d", got, reads)
		}
	})
}

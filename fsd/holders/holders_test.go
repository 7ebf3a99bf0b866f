package holders

import (
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/casview/casview/fsd/holders/holderstest"
	"github.com/casview/casview/fsd/rundir"
)

func TestOf(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("mounting needs root")
	}
	source := rundir.Spec{Nonce: rundir.NewNonce()}.MountSource()
	if got := Of(source); got != nil {
		t.Errorf("nobody holds it: %q", got)
	}
	var want []string
	for range 2 {
		want = append(want, fmt.Sprintf("process %d (sh)", holderstest.Start(t, source)))
	}
	holderstest.Start(t, source+"X")
	holderstest.Start(t, "casview:")
	slices.SortFunc(want, func(a, b string) int { return pidOf(t, a) - pidOf(t, b) })
	if got := Of(source); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func pidOf(t *testing.T, holder string) int {
	t.Helper()
	var pid int
	_, err := fmt.Sscanf(holder, "process %d ", &pid)
	must(t, err)
	return pid
}

func TestMountsFrom(t *testing.T) {
	t.Parallel()
	const table = `25 0 254:0 / / rw,relatime - ext4 /dev/vda rw
90 25 0:40 / /a\040b rw,nosuid shared:3 master:1 - overlay casview:N rw,volatile
91 25 0:41 / /casview:N rw - tmpfs casview:N2 rw
92 25 0:42 / /casview:N rw - tmpfs tmpfs rw,casview:N rw
93 25 0:40 / /c rw unbindable - fuse.casview casview:N ro
`
	if got := mountsFrom(table, "casview:N"); !slices.Equal(got, []string{"90", "93"}) {
		t.Errorf("got %q", got)
	}
	for _, other := range []string{"casview", "casview:", "N", "rw", "/casview:N"} {
		if got := mountsFrom(table, other); got != nil {
			t.Errorf("%s: got %q", other, got)
		}
	}
}

func TestPrintable(t *testing.T) {
	t.Parallel()
	if got := printable("a b\x1b[2J\xff\nc\n"); got != "a b?[2J??c" {
		t.Errorf("got %q", got)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

package e2e

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/fsd/result"
)

// staging is a way to catch what a job writes: what a configuration says of it, and what results must.
type staging struct {
	name         string
	config       setup
	driver, data string
}

var (
	// onOverlay is what casview does where nobody says anything else.
	onOverlay     = staging{name: "overlay", driver: "overlay"}
	onFUSE        = staging{"fuse", setup{"staging": `driver = "fuse"`}, "fuse", "cached"}
	onPassthrough = staging{"passthrough", setup{"staging": "driver = \"fuse\"\ndata = \"passthrough\""}, "fuse", "passthrough"}
)

// start starts an engine whose site stages in this way.
func (w staging) start(t *testing.T, start func(*testing.T, setup) engine) engine {
	t.Helper()
	if w.data == "passthrough" {
		needPassthrough(t)
	}
	e := start(t, w.config)
	e.site().staging = w
	return e
}

func needPassthrough(t *testing.T) {
	t.Helper()
	var name unix.Utsname
	must(t, unix.Uname(&name))
	release := unix.ByteSliceToString(name.Release[:])
	var major, minor int
	if _, err := fmt.Sscanf(release, "%d.%d", &major, &minor); err != nil || major < 6 || major == 6 && minor < 9 {
		t.Skipf("FUSE passthrough needs Linux 6.9; this is %s", release)
	}
}

// check looks at what a result says of the driver.
func (w staging) check(t *testing.T, r *result.Result) {
	t.Helper()
	if r.StagingDriver != w.driver || r.Stats.StagingData != w.data || r.Stats.FailedPassthrough != 0 {
		t.Errorf("run %s: driver %q (%s), data %q (%s), %d opens not passed through; expected %q, %q, 0", r.Run, r.StagingDriver,
			r.StagingReason, r.Stats.StagingData, r.Stats.StagingDataReason, r.Stats.FailedPassthrough, w.driver, w.data)
	}
}

// The kernel takes backing files from the host's root only. Whoever can't give any gets the other way, and is told.
func TestPassthroughNeedsRootOfTheHost(t *testing.T) {
	e := startPodmanRootless(t, onPassthrough.config)
	s := e.site()
	s.staging = onFUSE
	name := unique("refused")
	succeed(t, e, sh(s.store(t, file{path: "in", content: "in\n"}), name, "cat in > out; echo more >> in; cat in"))
	got := s.complete(t, name)
	wantPaths(t, "hashed_files", outputPaths(got), "in", "out")
	if why := got.Stats.StagingDataReason; !strings.HasPrefix(why, "no passthrough: ") {
		t.Errorf("staging_data_reason %q", why)
	}
	nothingLeft(t, e, name)
}

package conformance

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/hanwen/go-fuse/v2/posixtest"
)

// everywhere stands for all places in a table by place.
const everywhere = "everywhere"

// posixSkips are go-fuse's tests that can't pass, by place, each with its reason.
var posixSkips = map[string]map[string]string{
	everywhere: {
		"FcntlFlockLocksFile": "it wants POSIX locks of one process to conflict; TestTrapPosixLocks has two processes",
	},
	host: {
		"OpenSymlinkRace": "it takes /etc/passwd for a file of the tested filesystem if both are on one device",
	},
}

// TestPosix runs the tests that go-fuse has for filesystems, on the host too, which shows which of them are wrong by
// themselves. All of them can run in a process that does not serve the view: they look at nothing of the server.
func TestPosix(t *testing.T) {
	onEachPlace(t, nil, posixTests)
}

// On tmpfs there are other limits, as for the size of extended attributes.
func TestPosixOnTmpfs(t *testing.T) {
	disk := onTmpfs(t)
	t.Run(host, func(t *testing.T) {
		dir := filepath.Join(disk, host)
		must(t, os.Mkdir(dir, 0o755))
		posixTests(t, &place{dir: dir, driver: host})
	})
	onEachDriver(t, func(t *testing.T, driver string) {
		view := mountView(t, options{driver: driver, state: filepath.Join(disk, driver)})
		posixTests(t, &place{dir: view.Dir, driver: driver, view: view})
	})
}

func posixTests(t *testing.T, p *place) {
	for _, name := range slices.Sorted(maps.Keys(posixtest.All)) {
		t.Run(name, func(t *testing.T) {
			for _, where := range []string{everywhere, p.driver} {
				if why := posixSkips[where][name]; why != "" {
					t.Skip(why)
				}
			}
			dir := p.path(name)
			must(t, os.Mkdir(dir, 0o755))
			posixtest.All[name](t, dir)
		})
	}
}

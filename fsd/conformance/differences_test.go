package conformance

import "testing"

// difference is something in which a driver differs from a local disk.
type difference string

// The differences. Each has a test that fails as soon as a driver no longer differs.
const (
	staleMappings difference = "a mapping by a descriptor opened for reading before copy-up goes on showing the input"
	copyFromInput difference = "copy_file_range from an input that was not copied up is EXDEV"
	// What is open and deleted is st_nlink 0 on a local disk.
	deletedInputLinks    difference = "an input that is deleted while it is open, and was never copied up, or a directory with inputs, shows st_nlink 1"
	inputXattrs          difference = "the attributes of an input that was not copied up can't be asked for: EOPNOTSUPP instead of ENODATA"
	setgidWithoutExecute difference = "setgid without execute for the group stays when somebody writes who is no member"
)

// differences are the known ones by driver, each with its reason.
var differences = map[string]map[difference]string{
	"overlay": {
		staleMappings:     "overlayfs maps the lower file for a reader (kernel: overlayfs.rst, \"Non-standard behavior\"); reads go to the copy",
		deletedInputLinks: "overlayfs counts the links of the layer that it opened",
		inputXattrs:       "the view says that it has none, so that nobody asks again; overlayfs passes that on",
		copyFromInput:     "input and copy are on different filesystems for the kernel; programs then copy by read and write",
	},
	"fuse": {
		setgidWithoutExecute: "the kernel leaves it to the filesystem, for which FUSE_HANDLE_KILLPRIV_V2 asks for it only with execute",
	},
	fusePassthrough: {
		setgidWithoutExecute: "fuse_setattr of the kernel clears setgid only with execute",
	},
}

// unsolved are tests that a driver fails for now, by driver and test, each with what is wrong. They are skipped there.
var unsolved = map[string]map[string]string{
	fusePassthrough: {
		"TestTrapSetuidIsCleared": "with FUSE_HANDLE_KILLPRIV_V2 clearing is the driver's, and it does not see writes that pass through",
	},
}

func (p *place) has(d difference) bool { return differences[p.driver][d] != "" }

// differs requires that something is as on a local disk exactly where no difference is listed.
func (p *place) differs(t *testing.T, d difference, asOnDisk bool) {
	t.Helper()
	switch {
	case asOnDisk && p.has(d):
		t.Errorf("%s is as on a local disk; the entry can go: %s", p.driver, d)
	case !asOnDisk && !p.has(d):
		t.Errorf("%s differs from a local disk: %s", p.driver, d)
	}
}

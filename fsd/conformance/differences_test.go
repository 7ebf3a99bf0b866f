package conformance

import "testing"

// difference is something in which a driver differs from a local disk.
type difference string

// The differences. Each has a test that fails as soon as a driver no longer differs.
const (
	staleMappings difference = "a mapping by a descriptor opened for reading before copy-up goes on showing the input"
	copyFromInput difference = "copy_file_range from an input that was not copied up is EXDEV"
	// What is open and deleted is st_nlink 0 on a local disk.
	deletedInputLinks    difference = "an open input, or directory with inputs, shows st_nlink 1 after it was deleted"
	inputXattrs          difference = "the attributes of an input that was not copied up are EOPNOTSUPP instead of ENODATA"
	numbersOfCopies      difference = "a copied-up file gets another inode number when memory is so short that the kernel drops the input's inode"
	keptDotDot           difference = "a listing may have the old parent's inode for .. after the directory has moved"
	noBusError           difference = "a store to a mapping for which the disk has no room raises no SIGBUS, and its data is lost"
	timeOfMapping        difference = "a time that was set while a file is mapped is overwritten when earlier stores are written back"
	noCollapse           difference = "fallocate(2) that collapses or inserts a range is EOPNOTSUPP"
	setgidWithoutExecute difference = "setgid without execute for the group stays when somebody writes who is no member"
)

const noCollapseWhy = "fuse_file_fallocate of the kernel passes on only allocation, holes and zeros"

// differences are the known ones by driver, each with its reason.
var differences = map[string]map[difference]string{
	"overlay": {
		staleMappings:     "overlayfs maps the lower file for a reader (kernel: overlayfs.rst); reads go to the copy",
		deletedInputLinks: "overlayfs counts the links of the layer that it opened",
		inputXattrs:       "the view says that it has none, so that nobody asks again; overlayfs passes that on",
		numbersOfCopies:   "the input is not found again by its handle: see \"File handles\" in fsd/view",
		copyFromInput:     "input and copy are on different filesystems for the kernel; programs then copy by read and write",
	},
	"fuse": {
		noBusError:           "stores go to the page cache, and the kernel asks for room when it writes back",
		timeOfMapping:        "the kernel tells FUSE of stores when it writes them back; by POSIX the time may change until msync(2)",
		keptDotDot:           "the kernel keeps listings, and does not know that a move changes one",
		noCollapse:           noCollapseWhy,
		setgidWithoutExecute: "FUSE_HANDLE_KILLPRIV_V2 asks the filesystem for it only with execute",
	},
	fusePassthrough: {
		keptDotDot:           "the kernel keeps listings, and does not know that a move changes one",
		noCollapse:           noCollapseWhy,
		setgidWithoutExecute: "fuse_setattr of the kernel clears setgid only with execute",
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

package conformance

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// rootlessName is the test that runs traps in a user namespace.
const rootlessName = "TestTrapsInUserNamespace"

// setuidTrap also runs on a plain directory in there.
const setuidTrap = "SetuidIsCleared"

// Why overlayfs can't pass a trap in a user namespace.
const (
	noRedirect = "redirect_dir is refused there, so an input directory can't be renamed"
	noOrigin   = "the input that a copy comes from is not found again there, so the two names of a linked input are two inodes"
)

// rootlessTrap is run in a user namespace. overlay says why it is left out, or "".
type rootlessTrap struct {
	run     func(*testing.T)
	overlay string
}

func rootlessTraps() map[string]rootlessTrap {
	return map[string]rootlessTrap{
		"AppendFromProcesses":     {TestTrapAppendFromProcesses, ""},
		"ChownByRoot":             {TestTrapChownByRoot, noRedirect},
		"CopyFileRange":           {TestTrapCopyFileRange, ""},
		"CopyUpKeepsTimes":        {TestTrapCopyUpKeepsTimes, ""},
		"DeepPath":                {TestTrapDeepPath, ""},
		"DescriptorBeforeLink":    {TestTrapDescriptorBeforeLink, ""},
		"DirectoryLinks":          {TestTrapDirectoryLinks, noRedirect},
		"DirectoryMadeAgain":      {TestTrapDirectoryMadeAgain, ""},
		"Dots":                    {TestTrapDots, noRedirect},
		"ExclusiveCreate":         {TestTrapExclusiveCreate, ""},
		"Execute":                 {TestTrapExecute, noOrigin},
		"Fallocate":               {TestTrapFallocate, ""},
		"Fifo":                    {TestTrapFifo, ""},
		"Flock":                   {TestTrapFlock, noOrigin},
		"HardlinkOfInput":         {TestTrapHardlinkOfInput, noOrigin},
		"InputWithoutBlob":        {TestTrapInputWithoutBlob, ""},
		"ListedCanBeStated":       {TestTrapListedCanBeStated, ""},
		"LongName":                {TestTrapLongName, ""},
		"MappedHardlink":          {TestTrapMappedHardlink, ""},
		"ModeZero":                {TestTrapModeZero, ""},
		"MovedWorkingDirectory":   {TestTrapMovedWorkingDirectory, noRedirect},
		"OddNames":                {TestTrapOddNames, ""},
		"OpenInputForWriting":     {TestTrapOpenInputForWriting, ""},
		"OpenIsRefused":           {TestTrapOpenIsRefused, ""},
		"OwnerOfInputs":           {TestTrapOwnerOfInputs, noRedirect},
		"PosixLocks":              {TestTrapPosixLocks, noOrigin},
		"RemoveDirectory":         {TestTrapRemoveDirectory, ""},
		"RemovedDirectory":        {TestTrapRemovedDirectory, ""},
		"RenameFlags":             {TestTrapRenameFlags, noRedirect},
		"RenameInCircle":          {TestTrapRenameInCircle, noRedirect},
		"RenameInputDirectory":    {TestTrapRenameInputDirectory, noRedirect},
		"RenameOntoFullDirectory": {TestTrapRenameOntoFullDirectory, noRedirect},
		"RenameOntoOwnLink":       {TestTrapRenameOntoOwnLink, noOrigin},
		"RightsOfOthers":          {TestTrapRightsOfOthers, ""},
		"RightsOfOwners":          {TestTrapRightsOfOwners, ""},
		"SeekInDirectory":         {TestTrapSeekInDirectory, ""},
		"SetgidDirectory":         {TestTrapSetgidDirectory, ""},
		setuidTrap:                {TestTrapSetuidIsCleared, ""},
		"SpecialFilesInResult":    {TestTrapSpecialFilesInResult, ""},
		"StickyDirectory":         {TestTrapStickyDirectory, ""},
		"TimeSetBeforeClose":      {TestTrapTimeSetBeforeClose, ""},
		"Times":                   {TestTrapTimes, ""},
		"Tmpfile":                 {TestTrapTmpfile, ""},
		"Umask":                   {TestTrapUmask, ""},
		"UnixSocket":              {TestTrapUnixSocket, ""},
		"UnlinkedOpenFile":        {TestTrapUnlinkedOpenFile, ""},
		"UserXattrs":              {TestTrapUserXattrs, noRedirect},
	}
}

// TestTrapsInUserNamespace runs traps as under rootless podman: marks are user.* attributes there, and root has no rights
// outside.
func TestTrapsInUserNamespace(t *testing.T) {
	if !inUserNamespace(t) {
		return
	}
	all := rootlessTraps()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		t.Run(name, all[name].run)
	}
}

// notRootless says why a subtest is not run in a user namespace, or "" where it is, and everywhere else.
func notRootless(t *testing.T) string {
	parts := strings.Split(t.Name(), "/")
	if os.Getenv(userMarker) != rootlessName || len(parts) != 3 {
		return ""
	}
	switch parts[2] {
	case "fuse":
		return ""
	case host:
		if parts[1] == setuidTrap {
			return "" // what the kernel does to a user namespace's root is the question
		}
		return "the traps run on two drivers in a user namespace"
	case "overlay":
		return rootlessTraps()[parts[1]].overlay
	default:
		return "the traps run on two drivers in a user namespace"
	}
}

// onEachView is onEachDriver for traps.
func onEachView(t *testing.T, fn func(t *testing.T, driver string)) {
	t.Helper()
	onEachDriver(t, func(t *testing.T, driver string) {
		if why := notRootless(t); why != "" {
			t.Skip(why)
		}
		fn(t, driver)
	})
}

package hook

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/moby/sys/user"

	"github.com/casview/casview/fsd/rundir"
)

// unmapped is what the kernel writes for an id that has no number in the reader's user namespace.
const unmapped = 1<<32 - 1

// ids translates a container's user and group numbers into this process's.
type ids struct{ uids, gids []user.IDMap }

func readIDs(pid int) (ids, error) {
	proc := filepath.Join("/proc", strconv.Itoa(pid))
	theirs, err := os.Stat(filepath.Join(proc, "ns/user"))
	if err != nil {
		return ids{}, fmt.Errorf("user namespace of the container: %w", err)
	}
	ours, err := os.Stat("/proc/self/ns/user")
	if err != nil {
		return ids{}, fmt.Errorf("own user namespace: %w", err)
	}
	if os.SameFile(theirs, ours) {
		// uid_map of one's own namespace speaks of the namespace above: user_namespaces(7). Rootless engines run hook and
		// container in one.
		same := []user.IDMap{{Count: unmapped}}
		return ids{uids: same, gids: same}, nil
	}
	uids, err := user.ParseIDMapFile(filepath.Join(proc, "uid_map"))
	if err != nil {
		return ids{}, fmt.Errorf("user namespace of the container: %w", err)
	}
	gids, err := user.ParseIDMapFile(filepath.Join(proc, "gid_map"))
	if err != nil {
		return ids{}, fmt.Errorf("user namespace of the container: %w", err)
	}
	return ids{uids: uids, gids: gids}, nil
}

func (i ids) owner(uid, gid uint32) (rundir.Owner, error) {
	u, okU := translate(i.uids, uid)
	g, okG := translate(i.gids, gid)
	if !okU || !okG {
		return rundir.Owner{}, fmt.Errorf("user %d:%d of the container: has no number outside of its user namespace", uid, gid)
	}
	return rundir.Owner{UID: u, GID: g}, nil
}

func translate(maps []user.IDMap, id uint32) (uint32, bool) {
	for _, m := range maps {
		offset := int64(id) - m.ID
		if outside := m.ParentID + offset; offset >= 0 && offset < m.Count && outside < unmapped {
			return uint32(outside), true
		}
	}
	return 0, false
}

package attach

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// spot is a directory, named by its filesystem and its path there: the same in every mount namespace.
type spot struct {
	major, minor int
	path         string
}

// mountPoints are the directories that something is mounted on in any mount namespace that a process is in.
type mountPoints struct {
	spots map[spot]bool
	// loose are mount points on a filesystem that the process does not see the root of, as paths below its own root.
	loose []string
}

// findMountPoints reads the mount tables of all processes. One that can be read but not understood is an error.
func findMountPoints() (*mountPoints, error) {
	tables, err := filepath.Glob("/proc/[0-9]*/mountinfo")
	if err != nil {
		return nil, err
	}
	found, read := &mountPoints{spots: map[spot]bool{}}, map[string]bool{}
	for _, file := range tables {
		mounts, err := readTable(file, read)
		var failed *fs.PathError
		switch {
		case err == nil:
			found.add(mounts)
		case errors.As(err, &failed) && !errors.Is(err, fs.ErrPermission): // the process has ended
		default:
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	return found, nil
}

// readTable reads a mountinfo table, or returns nothing when one with the same first line was read before: it names the
// first mount that the process sees, and that is in one namespace only.
func readTable(file string, read map[string]bool) ([]*mountinfo.Info, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, 512)
	first, err := r.ReadString('\n')
	if errors.Is(err, io.EOF) || read[first] {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	read[first] = true
	return mountinfo.GetMountsFromReader(io.MultiReader(strings.NewReader(first), r), nil)
}

func (p *mountPoints) add(mounts []*mountinfo.Info) {
	byID := make(map[int]*mountinfo.Info, len(mounts))
	for _, m := range mounts {
		byID[m.ID] = m
	}
	for _, m := range mounts {
		if parent := byID[m.Parent]; parent == nil {
			p.loose = append(p.loose, m.Mountpoint)
		} else if at, ok := spotOn(parent, m.Mountpoint); ok {
			p.spots[at] = true
		}
	}
}

// has tells whether something is mounted on the directory, or might be.
func (p *mountPoints) has(at spot) bool {
	for _, end := range p.loose {
		// "/" is the root of every container: on what it is mounted nobody can see.
		if end != "/" && strings.HasSuffix(at.path, end) {
			return true
		}
	}
	return p.spots[at]
}

// spotOn is the directory at a path that is on this mount.
func spotOn(m *mountinfo.Info, file string) (spot, bool) {
	rel, ok := relative(m.Mountpoint, file)
	return spot{major: m.Major, minor: m.Minor, path: filepath.Join(m.Root, rel)}, ok
}

// relative is what follows dir in file: "" or "/...".
func relative(dir, file string) (string, bool) {
	rel, ok := strings.CutPrefix(file, strings.TrimSuffix(dir, "/"))
	return rel, ok && (rel == "" || rel[0] == '/')
}

// spotOf finds an open directory of this process's own mount namespace.
func spotOf(dir *os.File) (spot, error) {
	id, err := mountID(dir)
	if err != nil {
		return spot{}, err
	}
	file, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", dir.Fd()))
	if err != nil {
		return spot{}, err
	}
	mounts, err := readTable("/proc/self/mountinfo", map[string]bool{})
	if err != nil {
		return spot{}, err
	}
	for _, m := range mounts {
		if at, ok := spotOn(m, file); ok && m.ID == id {
			return at, nil
		}
	}
	return spot{}, fmt.Errorf("mount %d, which has %q, is not among this process's mounts", id, file)
}

// mountID is the mount that an open file is on.
func mountID(f *os.File) (int, error) {
	var st unix.Statx_t
	err := unix.Statx(int(f.Fd()), "", unix.AT_EMPTY_PATH|unix.AT_NO_AUTOMOUNT, unix.STATX_MNT_ID, &st)
	if err != nil {
		return 0, fmt.Errorf("statx: %w", err)
	}
	if st.Mask&unix.STATX_MNT_ID == 0 {
		return 0, errors.New("statx gives no mount id (Linux 5.8 or newer is needed)")
	}
	return int(st.Mnt_id), nil
}

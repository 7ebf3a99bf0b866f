// Package holders owns finding the processes that still use a view: it only reads /proc, so it works on views of which the
// daemon is dead.
package holders

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Of names the processes in whose mount namespace the view with this mount source is mounted: for each namespace the
// one with the lowest id. Processes that hold only a descriptor of a view that is mounted nowhere are not found.
func Of(source string) []string {
	var out []string
	read, seen := map[string]bool{}, map[string]bool{}
	for _, pid := range processes() {
		proc := filepath.Join("/proc", strconv.Itoa(pid))
		table, err := readTable(filepath.Join(proc, "mountinfo"), read)
		if err != nil {
			continue // it has ended
		}
		known, ids := false, mountsFrom(string(table), source)
		for _, id := range ids {
			known = known || seen[id]
			seen[id] = true
		}
		if known || len(ids) == 0 {
			continue
		}
		comm, _ := os.ReadFile(filepath.Join(proc, "comm"))
		out = append(out, fmt.Sprintf("process %d (%s)", pid, printable(string(comm))))
	}
	return out
}

// readTable reads a mountinfo table, or returns nothing when one with the same first line was read before: it names the
// first mount that the process sees, and that is in one namespace only. Most processes of a host share a few tables, which
// may have thousands of lines; the kernel makes no more of them than is asked for.
func readTable(path string, read map[string]bool) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var buf [512]byte
	n, err := f.Read(buf[:])
	if err != nil {
		return nil, err
	}
	first, _, whole := strings.Cut(string(buf[:n]), "\n")
	if whole && read[first] {
		return nil, nil
	}
	read[first] = true
	rest, err := io.ReadAll(f)
	return append(buf[:n:n], rest...), err
}

// processes lists the running processes by rising id.
func processes() []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var pids []int
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			pids = append(pids, pid)
		}
	}
	slices.Sort(pids)
	return pids
}

// mountsFrom returns the mounts with this source in a mountinfo table. A mount is in one namespace only, so its id also
// tells namespaces apart. /proc/PID/ns/mnt would too, but a confined process may not read it: neither CAP_SYS_PTRACE nor
// Landlock lets it near processes outside.
func mountsFrom(table, source string) []string {
	if !strings.Contains(table, " "+source+" ") {
		return nil
	}
	var ids []string
	for line := range strings.Lines(table) {
		// proc_pid_mountinfo(5): id, parent, device, root, mount point, options, optional fields, "-", type, source, options
		mount, fs, _ := strings.Cut(line, " - ")
		id, _, _ := strings.Cut(mount, " ")
		if fields := strings.Fields(fs); len(fields) > 1 && fields[1] == source {
			ids = append(ids, id)
		}
	}
	return ids
}

// printable makes one readable word of a name that a process gave itself.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(strings.TrimSuffix(s, "\n"), "?"))
}

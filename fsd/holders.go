package fsd

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// Holders names the processes in whose mount namespace the view with this mount source is mounted, one for each
// namespace. Processes that hold only a descriptor of a view that is mounted nowhere are not found.
func Holders(source string) []string {
	tables, err := filepath.Glob("/proc/[0-9]*/mountinfo")
	if err != nil {
		return nil
	}
	sort.Strings(tables)
	var out []string
	seen := map[string]bool{}
	for _, table := range tables {
		b, err := os.ReadFile(table)
		if err != nil || !strings.Contains(string(b), " "+source+" ") {
			continue
		}
		proc := filepath.Dir(table)
		ns, err := os.Readlink(filepath.Join(proc, "ns/mnt"))
		if err == nil && seen[ns] {
			continue
		}
		seen[ns] = true
		comm, _ := os.ReadFile(filepath.Join(proc, "comm"))
		out = append(out, fmt.Sprintf("process %s (%s)", filepath.Base(proc), strings.TrimSpace(string(comm))))
	}
	return out
}

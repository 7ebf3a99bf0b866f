package main

import (
	"os"
	"strconv"
	"strings"
)

// peakMemory is the most that a process has ever had in memory, in bytes; 0 for one that is gone. The usage that wait(2)
// returns would not do: it counts what the process was before it became this program.
func peakMemory(pid int) int64 {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			if err != nil {
				return 0
			}
			return kib << 10
		}
	}
	return 0
}

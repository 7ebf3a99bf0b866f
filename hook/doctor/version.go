package doctor

import (
	"fmt"
	"regexp"
	"strconv"
)

// version is major, minor and patch.
type version [3]int

var versionPattern = regexp.MustCompile(`\bv?(\d+)\.(\d+)(?:\.(\d+))?`)

// parseVersion takes the first version in what a program prints for --version.
func parseVersion(s string) (version, error) {
	m := versionPattern.FindStringSubmatch(s)
	if m == nil {
		return version{}, fmt.Errorf("no version in %.60q", s)
	}
	var v version
	for i := range v {
		v[i], _ = strconv.Atoi(m[i+1]) // digits, or nothing for a missing patch
	}
	return v, nil
}

func (v version) String() string { return fmt.Sprintf("%d.%d.%d", v[0], v[1], v[2]) }

// before tells whether v is older than major.minor.
func (v version) before(major, minor int) bool {
	return v[0] < major || v[0] == major && v[1] < minor
}

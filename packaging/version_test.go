package packaging

import (
	"os/exec"
	"regexp"
	"testing"
)

// What `git describe` says of one state after the other: the versions rise, for dpkg and, where it is there, for rpm.
func TestVersionsRise(t *testing.T) {
	t.Parallel()
	described := []string{
		"devel", "v0.9.0", "v1.2.0-rc1", "v1.2.0-rc1-3-g6ca2f01", "v1.2.0-rc2", "v1.2.0", "v1.2.0-dirty", "v1.2.0-3-g6ca2f01",
		"v1.2.0-12-g0000000", "v1.2.1",
	}
	want := []string{
		"0.0.0+devel", "0.9.0", "1.2.0~rc1", "1.2.0~rc1+3.g6ca2f01", "1.2.0~rc2", "1.2.0", "1.2.0+0.dirty", "1.2.0+3.g6ca2f01",
		"1.2.0+12.g0000000", "1.2.1",
	}
	before := "0"
	for i, d := range described {
		got := output(t, exec.Command("./version", d))
		if got != want[i] {
			t.Errorf("%s: version %s, expected %s", d, got, want[i])
		}
		if _, _, err := capture(exec.Command("dpkg", "--compare-versions", before, "lt", got)); err != nil {
			t.Errorf("dpkg: %s is not before %s", before, got)
		}
		if _, err := exec.LookPath("rpm"); err == nil {
			lua := `%{lua: print(rpm.vercmp("` + before + `", "` + got + `"))}`
			if less := output(t, exec.Command("rpm", "--eval", lua)); less != "-1" {
				t.Errorf("rpm: %s is not before %s: %s", before, got, less)
			}
		}
		before = got
	}
}

// Without a tag the number of commits counts.
func TestVersionOfACommit(t *testing.T) {
	t.Parallel()
	head, _, err := capture(exec.Command("git", "rev-parse", "--short=10", "HEAD"))
	if err != nil {
		t.Skip("not a clone: sources without git have no commits")
	}
	got := output(t, exec.Command("./version", head[:10]+"-dirty"))
	if want := regexp.MustCompile(`^0\.0\.0\+[1-9][0-9]*\.g` + head[:10] + `\.dirty$`); !want.MatchString(got) {
		t.Errorf("version %s, expected %s", got, want)
	}
}

package tree

import (
	"strings"
	"testing"
)

// badPaths has each rule of formats.md, by name, and a part of the error.
var badPaths = []struct{ name, path, want string }{
	{"empty", "", "path is empty"},
	{"absolute", "/a", "path is absolute"},
	{"root", "/", "path is absolute"},
	{"dot", ".", `"." part`},
	{"dot first", "./a", `"." part`},
	{"dot last", "a/.", `"." part`},
	{"dot dot", "..", `".." part`},
	{"dot dot inside", "a/../b", `".." part`},
	{"doubled slash", "a//b", "doubled slash"},
	{"trailing slash", "a/", "ends in a slash"},
	{"NUL", "a\x00b", "NUL"},
	{"part of 256 bytes", "a/" + strings.Repeat("b", 256), "part of 256 bytes"},
}

func TestCheckPath(t *testing.T) {
	for _, c := range badPaths {
		t.Run("refuses "+c.name, func(t *testing.T) {
			if err := CheckPath(c.path); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("CheckPath(%q) = %v, want %q", c.path, err, c.want)
			}
		})
	}
	for _, path := range []string{
		"a", "a/b/c", "...", ".a", "a..b/..c", "a b\n\"", "\xff/é", strings.Repeat("x", 255),
		strings.Repeat(strings.Repeat("y", 99)+"/", 40) + "z",
	} {
		if err := CheckPath(path); err != nil {
			t.Errorf("CheckPath(%q) = %v", path, err)
		}
	}
}

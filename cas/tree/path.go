package tree

import (
	"errors"
	"fmt"
	"strings"
)

const (
	maxName   = 255  // NAME_MAX
	maxTarget = 4095 // PATH_MAX without its NUL: the longest target symlink(2) takes
)

// CheckPath says why path cannot name an input below a view's root: it is
// empty or absolute, has a "." or ".." part, doubled or trailing slashes, a NUL,
// or a part over 255 bytes. The error does not repeat the path.
func CheckPath(path string) error {
	switch {
	case path == "":
		return errors.New("path is empty")
	case path[0] == '/':
		return errors.New("path is absolute")
	case strings.IndexByte(path, 0) >= 0:
		return errors.New("path contains a NUL byte")
	case path[len(path)-1] == '/':
		return errors.New("path ends in a slash")
	}
	for part := range strings.SplitSeq(path, "/") {
		switch {
		case part == "":
			return errors.New("path has a doubled slash")
		case part == "." || part == "..":
			return fmt.Errorf("path has a %q part", part)
		case len(part) > maxName:
			return fmt.Errorf("path has a part of %d bytes, the limit is %d", len(part), maxName)
		}
	}
	return nil
}

// checkName is CheckPath for one part, as found in a Directory message.
func checkName(name string) error {
	switch {
	case name == "":
		return errors.New("name is empty")
	case name == "." || name == "..":
		return fmt.Errorf("name is %q", name)
	case strings.IndexByte(name, '/') >= 0:
		return errors.New("name contains a slash")
	case strings.IndexByte(name, 0) >= 0:
		return errors.New("name contains a NUL byte")
	case len(name) > maxName:
		return fmt.Errorf("name has %d bytes, the limit is %d", len(name), maxName)
	}
	return nil
}

// checkTarget says why no symlink can point to target.
func checkTarget(target string) error {
	switch {
	case target == "":
		return errors.New("symlink target is empty")
	case strings.IndexByte(target, 0) >= 0:
		return errors.New("symlink target contains a NUL byte")
	case len(target) > maxTarget:
		return fmt.Errorf("symlink target has %d bytes, the limit is %d", len(target), maxTarget)
	}
	return nil
}

// split cuts path into its parent ("" is the root) and its last part.
func split(path string) (parent, name string) {
	i := strings.LastIndexByte(path, '/')
	return path[:max(i, 0)], path[i+1:]
}

// join is the path of name in the directory parent.
func join(parent, name string) string {
	if parent == "" {
		return name
	}
	return parent + "/" + name
}

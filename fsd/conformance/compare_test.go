package conformance

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// compareTrees says in what the view's tree is not as the plain one's, or "". What two nodes differ in, differ says.
func compareTrees(view, plain []node, differ func(view, plain *node) string) string {
	var wrong []string
	for len(view)+len(plain) > 0 {
		switch order := firstPath(view, plain); {
		case order < 0:
			wrong = append(wrong, fmt.Sprintf("%q is in the view only", view[0].Path))
			view = view[1:]
		case order > 0:
			wrong = append(wrong, fmt.Sprintf("%q is not in the view", plain[0].Path))
			plain = plain[1:]
		default:
			if what := differ(&view[0], &plain[0]); what != "" {
				wrong = append(wrong, fmt.Sprintf("%q: %s: view %s, on disk %s", view[0].Path, what, &view[0], &plain[0]))
			}
			view, plain = view[1:], plain[1:]
		}
	}
	return strings.Join(wrong, "\n")
}

// firstPath says which of two lists goes on with the path that comes first in a walk.
func firstPath(a, b []node) int {
	switch {
	case len(a) == 0:
		return 1
	case len(b) == 0:
		return -1
	}
	return slices.Compare(strings.Split(a[0].Path, "/"), strings.Split(b[0].Path, "/"))
}

// compareLinks says which names are of one inode in one tree and not in the other. Open descriptors are among the names.
func compareLinks(view, plain []node) string {
	v, p := linkGroups(view), linkGroups(plain)
	if slices.Equal(v, p) {
		return ""
	}
	return fmt.Sprintf("names of one inode: %q, on disk %q", v, p)
}

func linkGroups(nodes []node) []string {
	names := map[uint64][]string{}
	for _, n := range nodes {
		if n.kind() != unix.S_IFDIR {
			names[n.Ino] = append(names[n.Ino], n.Path)
		}
	}
	var groups []string
	for _, group := range names {
		if len(group) > 1 {
			groups = append(groups, strings.Join(group, " = "))
		}
	}
	slices.Sort(groups)
	return groups
}

// compareAgain says what a second look at the same tree has seen otherwise. numbered says that inode numbers count.
func compareAgain(first, second []node, numbered bool) string {
	var wrong []string
	for i := range max(len(first), len(second)) {
		if i >= len(first) || i >= len(second) || first[i].Path != second[i].Path {
			return fmt.Sprintf("%d names, then %d, from number %d on others", len(first), len(second), i)
		}
		a, b := first[i], second[i]
		if !numbered {
			a.Ino, b.Ino = 0, 0
		}
		if a != b {
			wrong = append(wrong, fmt.Sprintf("%q was %s, is %s", a.Path, &a, &b))
		}
	}
	return strings.Join(wrong, "\n")
}

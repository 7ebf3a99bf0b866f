package hook

import (
	"os"
	"testing"

	"github.com/moby/sys/user"

	"github.com/casview/casview/fsd/rundir"
)

func TestTranslate(t *testing.T) {
	maps := []user.IDMap{{ID: 0, ParentID: 1000, Count: 1}, {ID: 1, ParentID: 100_000, Count: 65536}, {ID: 70_000, ParentID: unmapped, Count: 1}}
	cases := []struct {
		in, out uint32
		ok      bool
	}{
		{0, 1000, true}, {1, 100_000, true}, {65536, 165_535, true},
		{65537, 0, false}, {70_000, 0, false}, {unmapped, 0, false},
	}
	for _, c := range cases {
		if out, ok := translate(maps, c.in); out != c.out || ok != c.ok {
			t.Errorf("%d: %d, %v", c.in, out, ok)
		}
	}
}

// In one user namespace numbers are the same, whatever uid_map says: rootless engines run hook and container in one.
func TestNumbersOfOneNamespace(t *testing.T) {
	i, err := readIDs(os.Getpid())
	must(t, err)
	if o, err := i.owner(7, 8); err != nil || o != (rundir.Owner{UID: 7, GID: 8}) {
		t.Errorf("%+v, %v", o, err)
	}
	if _, err := readIDs(1 << 30); err == nil {
		t.Error("a process that does not exist")
	}
}

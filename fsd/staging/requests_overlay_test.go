package staging

import (
	"maps"
	"testing"
)

// TestRequestsOfTheOverlayDriver says what a job's accesses make overlayfs ask of the view below it: what overlayfs or the
// kernel has seen is never asked again, and what the job has written never reaches the daemon. What each of these costs
// without overlayfs is in package view, and what the fuse driver's cost is beside this.
func TestRequestsOfTheOverlayDriver(t *testing.T) {
	t.Parallel()
	const seen = "read -r a <file || :; read -r a <dir/a || :; ls -lR . >&2; test -e absent || :"
	cases := []struct {
		name, before, script string
		want                 counts
	}{
		{"read an input", "", "read -r a <file || :", counts{"lookup": 1, "read": 1}},
		{"read an input again", seen, "read -r a <file || :", counts{}},
		{"open an input again", seen, ": <file", counts{}},
		{"stat an input", "", "stat file >&2", counts{"lookup": 1}},
		{"stat an input again", seen, "stat file >&2", counts{}},
		{"look for an absent name", "", "! test -e absent", counts{"lookup": 1}},
		{"look for an absent name again", seen, "! test -e absent", counts{}},
		{"list inputs again", seen, "ls -lR . >&2", counts{}},
		{"create, write, close", seen, "printf x >new", counts{"lookup": 1}},
		{"four writes", seen, "{ printf a; printf b; printf c; printf d; } >new", counts{"lookup": 1}},
		{"read what was written", seen + "; printf x >new", "read -r a <new || :", counts{}},
		{"append to what was written", seen + "; printf x >new", "printf x >>new", counts{}},
		// Overlayfs copies the attributes of ioctl(FS_IOC_GETFLAGS), too, and asks for them each time.
		{"append to an input that was read", seen, "printf x >>file", counts{"ioctl": 1}},
		{"mkdir, rmdir", seen, "mkdir new; rmdir new", counts{"lookup": 1}},
		{"symlink", seen, "ln -s x new", counts{"lookup": 1}},
		{"rename", seen + "; printf x >new", `"$SELF" do-rename new newer`, counts{"lookup": 1}},
		{"unlink", seen + "; printf x >new", "unlink new", counts{}},
		{"unlink an input", seen, "unlink file", counts{}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := session(t, Overlay{}, newRequest(t, t.TempDir()))
			const warm = "printf x >warm; cat warm dir/sub/b >&2; printf x >>dir/sub/b; ls -l dir/sub >&2; rm warm; " +
				"stat . dir >&2"
			if got := requestsOfLast(t, s, warm, c.before, c.script); !maps.Equal(got, c.want) {
				t.Errorf("requests %v, want %v", got, c.want)
			}
		})
	}
}

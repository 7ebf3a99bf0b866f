package staging

import (
	"bufio"
	"maps"
	"strings"
	"testing"

	"github.com/casview/casview/fsd/staging/merged"
)

type counts = map[string]uint64

// TestRequestsOfTheFUSEDriver says what each kind of change costs, on a mount where the requests that come once for its
// whole life have been made. docs/filesystem.md explains times by these.
func TestRequestsOfTheFUSEDriver(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, before, script string
		cached, passthrough  counts
	}{
		{"create, write, close", "", "printf x >new",
			counts{"lookup": 1, "mknod": 1, "getxattr": 1, "write": 1},
			counts{"lookup": 1, "create": 1, "getxattr": 1, "getattr": 1}},
		{"four writes", "", "{ printf a; printf b; printf c; printf d; } >new",
			counts{"lookup": 1, "mknod": 1, "getxattr": 1, "write": 4},
			counts{"lookup": 1, "create": 1, "getxattr": 1, "getattr": 1}},
		{"one more file", "printf x >old", "printf x >new",
			counts{"getattr": 1, "lookup": 1, "mknod": 1, "getxattr": 1, "write": 1},
			counts{"getattr": 2, "lookup": 1, "create": 1, "getxattr": 1}},
		{"read what was written", "printf x >new; stat . >&2", "read -r a <new || :",
			counts{"getattr": 1, "read": 1}, counts{"open": 1, "getattr": 1}},
		{"read that again", "printf x >new; stat . >&2; read -r a <new || :; stat new >&2", "read -r a <new || :; stat new >&2",
			nil, counts{"open": 1, "getattr": 2}},
		{"stat inputs that were closed", "read -r a <file || :; stat file >&2", "read -r a <file || :; stat file >&2",
			nil, counts{"open": 1}},
		{"read an input again", "read -r a <file || :", "read -r a <file || :", nil, counts{"open": 1}},
		{"append to an input", "read -r a <file || :", "printf x >>file",
			counts{"getxattr": 1, "write": 1}, counts{"open": 1, "getxattr": 1}},
		{"mkdir, rmdir", "", "mkdir new; rmdir new",
			counts{"lookup": 1, "mkdir": 1, "getattr": 1, "rmdir": 1},
			counts{"lookup": 1, "mkdir": 1, "getattr": 1, "rmdir": 1}},
		{"symlink", "", "ln -s x new", counts{"lookup": 1, "symlink": 1}, counts{"lookup": 1, "symlink": 1}},
		{"rename", "printf x >new; stat . >&2", `"$SELF" do-rename new newer`,
			counts{"lookup": 1, "rename": 1}, counts{"lookup": 1, "rename": 1}},
		{"unlink", "printf x >new; stat . >&2", "unlink new", counts{"unlink": 1}, counts{"unlink": 1}},
		{"unlink an input", "read -r a <file || :; stat file >&2", "unlink file", counts{"unlink": 1}, counts{"unlink": 1}},
	}
	for _, data := range []merged.Data{merged.Cached, merged.Passthrough} {
		for _, c := range cases {
			want := c.cached
			if data == merged.Passthrough {
				want = c.passthrough
			}
			t.Run(string(data)+"/"+c.name, func(t *testing.T) {
				r := newRequest(t, t.TempDir())
				r.Data = data
				s := session(t, FUSE{}, r)
				equal(t, "data", s.Data, data)
				const warm = "printf x >warm; cat warm dir/a >&2; ls -l dir >&2; rm warm; ls -l . >&2"
				got := requestsOfLast(t, s, warm, c.before, c.script)
				delete(got, "release") // nobody waits for it
				if !maps.Equal(got, want) {
					t.Errorf("requests %v, want %v", got, want)
				}
			})
		}
	}
}

// requestsOfLast runs scripts one after another and returns the requests during the last one.
func requestsOfLast(t *testing.T, s *Session, scripts ...string) counts {
	t.Helper()
	cmd := jobCommand(t, s, strings.Join(scripts, "\necho; read -r go\n")+"\necho; read -r go")
	stdin, err := cmd.StdinPipe()
	must(t, err)
	stdout, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	done := bufio.NewReader(stdout)
	var before counts
	for i := range scripts {
		if i > 0 {
			before = s.Requests()
			_, err = stdin.Write([]byte("\n"))
			must(t, err)
		}
		_, err = done.ReadString('\n')
		must(t, err)
	}
	got := s.Requests()
	_, err = stdin.Write([]byte("\n"))
	must(t, err)
	must(t, cmd.Wait())
	maps.DeleteFunc(got, func(op string, n uint64) bool { return n == before[op] })
	for op := range got {
		got[op] -= before[op]
	}
	return got
}

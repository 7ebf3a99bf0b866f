package wrapper

import (
	"slices"
	"strings"
	"testing"
)

// Command lines as engines write them, and as people may.
func TestParse(t *testing.T) {
	shim := call{verb: "create", config: "/run/b/config.json", id: "c1", log: "/run/b/log.json", json: true}
	cases := []struct {
		name, line string
		want       call
	}{
		{"containerd's shim", "--root /run/containerd/runc/moby --log /run/b/log.json --log-format json create --bundle /run/b --pid-file /run/b/init.pid --console-socket /tmp/pty c1", shim},
		{"the shim with systemd", "--log=/run/b/log.json --log-format=json --systemd-cgroup create --bundle=/run/b c1", shim},
		{"conmon", "--systemd-cgroup --root=/run/runc create --bundle /var/userdata --pid-file /run/pidfile --no-pivot abc",
			call{verb: "create", config: "/var/userdata/config.json", id: "abc"}},
		{"BuildKit", "--log /b/runc-log.json --log-format json run --bundle /b --keep id", call{verb: "run", config: "/b/config.json", id: "id", log: "/b/runc-log.json", json: true}},
		{"no bundle", "run c", call{verb: "run", config: "config.json", id: "c"}},
		{"one dash", "-log x -root /r create -bundle b c", call{verb: "create", config: "b/config.json", id: "c", log: "x"}},
		{"short", "create -b /b c", call{verb: "create", config: "/b/config.json", id: "c"}},
		{"short, joined", "create -b/b c", call{verb: "create", config: "/b/config.json", id: "c"}},
		{"options behind the id", "run c --bundle /b -d", call{verb: "run", config: "/b/config.json", id: "c"}},
		{"crun's other file", "run -b /b -f other.json c", call{verb: "run", config: "/b/other.json", id: "c"}},
		{"crun's other file, elsewhere", "run --bundle /b --config=/o.json c", call{verb: "run", config: "/o.json", id: "c"}},
		{"crun's log", "--log=file:/l --log-format=text create c", call{verb: "create", config: "config.json", id: "c", log: "/l"}},
		{"an id like an option", "run --bundle /b -- -x", call{verb: "run", config: "/b/config.json", id: "-x"}},
		{"an id like a verb", "--debug create --bundle /b create", call{verb: "create", config: "/b/config.json", id: "create"}},
		{"a root like a verb", "--root run create c", call{verb: "create", config: "config.json", id: "c"}},
		{"an unknown option", "--new create --bundle /b c", call{verb: "create", config: "/b/config.json", id: "c"}},
		{"an unknown option with a value", "--new x --bundle=1 --newer y create --bundle /b --newest z c", call{verb: "create", config: "/b/config.json", id: "c"}},
		{"an unknown option, joined", "--new=x create c", call{verb: "create", config: "config.json", id: "c"}},
		{"an unknown verb", "--debug frobnicate create c", call{verb: "frobnicate", config: "config.json", id: "c"}},
		{"no verb", "--version", call{}},
		{"nothing", "", call{}},
		{"a value is missing", "create --bundle", call{verb: "create", config: "config.json"}},
		{"a value is missing, early", "--log", call{}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := parse(strings.Fields(c.line)); got != c.want {
				t.Errorf("%s\ngot  %+v\nwant %+v", c.line, got, c.want)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add("--root\n/r\ncreate\n-b\n/b\nc")
	f.Add("-\n--\n-=\n--=x\n-b=\nrun")
	f.Fuzz(func(t *testing.T, words string) {
		args := strings.Split(words, "\n")
		c := parse(args)
		if c.verb != "" && (!slices.Contains(args, c.verb) || c.config == "") {
			t.Errorf("%q: %+v", args, c)
		}
		if c.id != "" && !slices.Contains(args, c.id) {
			t.Errorf("%q: id %q", args, c.id)
		}
	})
}

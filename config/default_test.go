package config

import (
	"bufio"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"syscall"
	"testing"
)

func env(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

func TestDefaultTOMLIsTheDefault(t *testing.T) {
	c, err := Load(write(t, DefaultTOML()))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(c, Default()) {
		t.Errorf("got %+v\nwant %+v", c, Default())
	}
}

func TestDefaultTOMLQuotesTheStateFolder(t *testing.T) {
	h := host{uid: 1000, getenv: env("XDG_DATA_HOME", "/home/a \"b\"\\\x01é")}
	c, err := decode("c.toml", defaultTOMLFor(h), Config{})
	if err != nil {
		t.Fatal(err)
	}
	if want := defaultFor(h); !reflect.DeepEqual(c, want) {
		t.Errorf("got %+v\nwant %+v", c, want)
	}
}

// Every key has a comment above it, and every key of the struct is in the file.
func TestDefaultTOMLDocumentsEveryKey(t *testing.T) {
	doc, err := parseDocument(DefaultTOML())
	if err != nil {
		t.Fatal(err)
	}
	for key := range schema(reflect.TypeFor[Config](), nil) {
		if !doc.meta.IsDefined(strings.Split(key, ".")...) {
			t.Errorf("%s is missing", key)
		}
	}
	previous := ""
	for s := bufio.NewScanner(strings.NewReader(DefaultTOML())); s.Scan(); previous = s.Text() {
		line := s.Text()
		if strings.Contains(line, " = ") && !strings.HasPrefix(line, "#") && !strings.HasPrefix(previous, "#") {
			t.Errorf("no comment above %q", line)
		}
	}
	if n := strings.Count(DefaultTOML(), "Recommended: "); n < 12 {
		t.Errorf("only %d keys have a recommended value", n)
	}
}

func TestDumpLoadsAgain(t *testing.T) {
	c := Default()
	c.View.AllowedTargets = []string{"/a/**", "/\"quoted\""}
	c.View.Target = "/a/b"
	text, err := c.TOML()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(text, `timeout = "5m"`) {
		t.Errorf("no readable timeout in:\n%s", text)
	}
	got, err := Load(write(t, text))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, c) {
		t.Errorf("got %+v\nwant %+v", got, c)
	}
}

func TestPlacesDependOnWhoRuns(t *testing.T) {
	const initial = "         0          0 4294967295\n"
	const rootless = "         0       1000          1\n         1     100000      65536\n"
	homes := func(uid string) string {
		return map[string]string{"0": "/root", "1000": "/home/ann", "100001": ""}[uid]
	}
	cases := []struct {
		name          string
		host          host
		state, config string
	}{
		{"root", host{uid: 0, uidMap: initial, getenv: env("HOME", "/root", "XDG_DATA_HOME", "/x", "XDG_CONFIG_HOME", "/y")},
			"/var/lib/casview", "/etc/casview/config.toml"},
		{"root of a kernel without user namespaces", host{uid: 0, getenv: env()},
			"/var/lib/casview", "/etc/casview/config.toml"},
		{"user", host{uid: 1000, uidMap: initial, getenv: env("HOME", "/home/ann")},
			"/home/ann/.local/share/casview", "/home/ann/.config/casview/config.toml"},
		{"user with XDG folders", host{uid: 1000, uidMap: initial, getenv: env("HOME", "/home/ann", "XDG_DATA_HOME", "/data/", "XDG_CONFIG_HOME", "/conf")},
			"/data/casview", "/conf/casview/config.toml"},
		{"a relative XDG folder counts as unset", host{uid: 1000, uidMap: initial, getenv: env("HOME", "/home/ann", "XDG_DATA_HOME", "data")},
			"/home/ann/.local/share/casview", "/home/ann/.config/casview/config.toml"},
		{"uid 0 of a rootless engine", host{uid: 0, uidMap: rootless, getenv: env("HOME", "/home/ann")},
			"/home/ann/.local/share/casview", "/home/ann/.config/casview/config.toml"},
		{"the same with an empty environment", host{uid: 0, uidMap: rootless, getenv: env(), homeOf: homes},
			"/home/ann/.local/share/casview", "/home/ann/.config/casview/config.toml"},
		{"another uid of a user namespace, without a home", host{uid: 2, uidMap: rootless, getenv: env(), homeOf: homes},
			"", "/etc/casview/config.toml"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if c.host.homeOf == nil {
				c.host.homeOf = func(string) string { return "" }
			}
			if got := c.host.stateDir(); got != c.state {
				t.Errorf("state: got %q, want %q", got, c.state)
			}
			if got := c.host.configFile(); got != c.config {
				t.Errorf("file: got %q, want %q", got, c.config)
			}
		})
	}
}

// The rule is only as good as what the kernel says in /proc/self/uid_map.
func TestPlacesInARealUserNamespace(t *testing.T) {
	if os.Getenv("CASVIEW_TEST_PRINT_STATE") != "" {
		os.Stdout.WriteString("state=" + Default().State + "\n")
		return
	}
	// By descriptor: the folder of the test program may be closed to a namespace that maps one user.
	self, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer self.Close()
	cmd := exec.Command("/proc/self/fd/3", "-test.run", "^"+t.Name()+"$")
	cmd.ExtraFiles = []*os.File{self}
	cmd.Env = []string{"CASVIEW_TEST_PRINT_STATE=1", "XDG_DATA_HOME=/data"}
	// Root that maps itself alone is a rootless engine's uid 0, too.
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Skipf("no user namespace here: %v: %s", err, out)
	}
	if !strings.Contains(string(out), "state=/data/casview\n") {
		t.Errorf("got %s", out)
	}
}

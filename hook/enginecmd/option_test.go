package enginecmd

import (
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestOptionsOfRun(t *testing.T) {
	cases := []struct{ name, in, want string }{
		{"switches", "podman run --rm -d -it img --privileged", "rm detach interactive tty"},
		{"values", "podman run --name run -v /a:/b --env=A=b -eC=d -p80:80 img -d", "name=run v=/a:/b env=A=b env=C=d p=80:80"},
		{"a switch with a value", "docker run --rm=false -d=true -t img", "rm=false detach=true tty"},
		{"letters end with a value", "docker run -dite A=b -h host img", "detach interactive tty env=A=b h=host"},
		{"the value is missing", "docker run -e", "env"},
		{"double dash", "docker run --rm -- -d", "rm"},
		{"one dash", "ctr run -rm -label=a=b -d -config c.json -t=false id -null-io", "rm label=a=b detach config=c.json tty=false"},
		{"a dash is an image", "podman run -d - -t", "detach"},
		{"a rootfs", "podman run --rootfs -d /rootfs -t", "rootfs detach"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			cmd, err := Parse(strings.Fields(c.in))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, o := range cmd.options {
				if o.given {
					got = append(got, fmt.Sprintf("%s=%s", o.name, o.value))
				} else {
					got = append(got, o.name)
				}
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("got  %q\nwant %q", strings.Join(got, " "), c.want)
			}
		})
	}
}

func TestDetached(t *testing.T) {
	for in, want := range map[string]bool{
		"podman run -d img": true, "docker run -itd img": true, "docker run --detach=true img": true, "ctr run -detach img id": true,
		"podman run img -d": false, "docker run --detach=false img": false, "docker run -d --detach=0 img": false, "nerdctl run --name -d img": false,
	} {
		cmd, err := Parse(strings.Fields(in))
		if err != nil || cmd.Detached() != want {
			t.Errorf("%s: %t, %v", in, cmd.Detached(), err)
		}
	}
}

// A detached container is removed by who waits for it, and what follows the image stays as it is.
func TestPrepareTakesRemovalOver(t *testing.T) {
	cases := []struct{ in, want, idFile string }{
		{"podman --root r container run -d --rm --name=x img --rm", "podman --root r container run --annotation k=v --cidfile f -d --name=x img --rm", "f"},
		{"podman run --rm img", "podman run --annotation k=v --cidfile f --rm img", ""},
		{"podman run -d --rm=false img", "podman run --annotation k=v --cidfile f -d --rm=false img", ""},
		{"nerdctl run --rm=true -d --rm img", "nerdctl run --annotation k=v --cidfile f -d img", "f"},
		{"docker run --rm -d --cidfile mine img", "docker run --annotation k=v -d --cidfile mine img", "mine"},
		// ctr refuses both options together, and knows no --cidfile.
		{"ctr run -d --rm img id", "ctr run --label k=v --pid-file f -d --rm img id", ""},
	}
	for _, c := range cases {
		cmd, err := Parse(strings.Fields(c.in))
		if err != nil {
			t.Fatal(err)
		}
		cmd.engine.prepare = prepareAnnotated // docker would be asked
		cmd, err = cmd.Prepare(t.Context(), Request{Annotations: []Annotation{{"k", "v"}}, TraceFile: "f"})
		if got := strings.Join(cmd.Argv(), " "); err != nil || got != c.want {
			t.Errorf("%s: got %q, %v", c.in, got, err)
		}
		if got := cmd.IDFile(); got != c.idFile {
			t.Errorf("%s: the id is in %q", c.in, got)
		}
	}
}

func TestHelp(t *testing.T) {
	for in, want := range map[string]bool{
		"podman run --help": true, "docker run --rm --help img": true, "nerdctl container run --help=true": true, "ctr run -h": true, "ctr run -help": true,
		"podman run": false, "docker run -h name img": false, "podman run --name --help img": false, "docker run img --help": false,
		"podman run --help=false img": false, "nerdctl run -h name img": false, "ctr run img id -h": false,
		// These start containers.
		"podman --help run img": false, "docker -h run img": false,
	} {
		cmd, err := Parse(strings.Fields(in))
		if err != nil || cmd.Help() != want {
			t.Errorf("%s: %t, %v", in, cmd.Help(), err)
		}
	}
}

func TestOtherRuntime(t *testing.T) {
	for in, want := range map[string]string{
		"docker run img":                             "",
		"docker run --runtime casview img":           "",
		"docker run --runtime=runc img":              "--runtime runc",
		"docker run img --runtime=runc":              "",
		"ctr run --runc-binary /b/casview-runtime i": "",
		"ctr run --runc-binary /b/crun img id":       "--runc-binary /b/crun",
		"ctr run --runtime io.x img id":              "--runtime io.x",
		"podman --runtime crun run img":              "",
	} {
		cmd, err := Parse(strings.Fields(in))
		if err != nil {
			t.Fatal(err)
		}
		if got := cmd.OtherRuntime(); got != want {
			t.Errorf("%s: got %q, want %q", in, got, want)
		}
	}
}

func TestPrepareNamesCasviewRuntime(t *testing.T) {
	for in, want := range map[string]string{
		"ctr run img id":                          "ctr run --label k=v --runc-binary /bin/casview-runtime img id",
		"ctr run --runc-binary crun img id":       "ctr run --label k=v --runc-binary crun img id",
		"ctr run --runtime io.x img id":           "ctr run --label k=v --runtime io.x img id",
		"nerdctl run img":                         "nerdctl run --annotation k=v --runtime /bin/casview-runtime img",
		"nerdctl run --runtime=crun img":          "nerdctl run --annotation k=v --runtime=crun img",
		"podman run img --runtime is not casview": "podman run --annotation k=v img --runtime is not casview",
	} {
		cmd, err := Parse(strings.Fields(in))
		if err != nil {
			t.Fatal(err)
		}
		cmd, err = cmd.Prepare(t.Context(), Request{Annotations: []Annotation{{"k", "v"}}, Runtime: "/bin/casview-runtime"})
		if got := strings.Join(cmd.Argv(), " "); err != nil || got != want {
			t.Errorf("%s: got %q, %v", in, got, err)
		}
	}
}

// Wait stands where `run` stood, and the global options stay.
func TestWait(t *testing.T) {
	for in, want := range map[string]string{
		"podman --root r run -d img":          "podman --root r wait id",
		"docker -H tcp://h container run img": "docker -H tcp://h container wait id",
		"ctr -n x run -d img id":              "ctr -n x tasks attach id",
	} {
		cmd, err := Parse(strings.Fields(in))
		if got := strings.Join(cmd.Wait("id").Argv, " "); err != nil || got != want {
			t.Errorf("%s: got %q, %v", in, got, err)
		}
		want = strings.ReplaceAll(want, "wait id", "rm --volumes id")
		if got := strings.Join(cmd.Remove("id", false), " "); !strings.Contains(in, "ctr") && got != want {
			t.Errorf("%s: got %q", in, got)
		}
	}
}

// The installed engines have no switch that casview does not know.
func TestSwitchesOfTheInstalledEngines(t *testing.T) {
	posix := regexp.MustCompile(`(?m)^ +(?:-[A-Za-z], )?--([a-z0-9-]+)(?: {2,}|$)`)
	urfave := regexp.MustCompile(`(?m)^ +(?:--?[a-z0-9-]+, )*--([a-z0-9-]+)(?:, -[a-z])? {2,}`)
	for _, c := range []struct {
		program string
		help    *regexp.Regexp
	}{{"podman", posix}, {"docker", posix}, {"nerdctl", posix}, {"ctr", urfave}} {
		help, err := exec.Command(c.program, "run", "--help").Output()
		if err != nil {
			t.Logf("%s is not installed: %v", c.program, err)
			continue
		}
		e, _ := engineNamed(c.program)
		found := c.help.FindAllStringSubmatch(string(help), -1)
		if len(found) < 10 {
			t.Errorf("%s: only %d switches found", c.program, len(found))
		}
		for _, m := range found {
			if !e.options.isSwitch(m[1]) {
				t.Errorf("%s: --%s is a switch", c.program, m[1])
			}
		}
		if !slices.ContainsFunc(found, func(m []string) bool { return m[1] == "detach" }) {
			t.Errorf("%s: --detach is not found in its help", c.program)
		}
	}
}

// Whatever the words are, the caller's stay in their order, and only what casview takes over is left out.
func FuzzPrepare(f *testing.F) {
	f.Add("podman\nrun\n-d\n--rm\n-itde\nA=b\nimg")
	f.Add("ctr\n-n\nx\nrun\n-rm=false\n--detach\n-\nid")
	f.Add("nerdctl\ncontainer\nrun\n-\xff=\n--=\n--")
	f.Fuzz(func(t *testing.T, words string) {
		argv := strings.Split(words, "\n")
		cmd, err := Parse(argv)
		if err != nil || cmd.engine.names[0] == "docker" {
			return // docker would be started
		}
		got, err := cmd.Prepare(t.Context(), Request{Annotations: []Annotation{{"k", "v"}}, Runtime: "/bin/casview-runtime"})
		if err != nil {
			t.Fatal(err)
		}
		rest := got.Argv()
		for _, word := range argv {
			at := slices.Index(rest, word)
			taken := strings.HasPrefix(strings.TrimLeft(word, "-"), "rm")
			if at < 0 && !taken {
				t.Fatalf("%q is gone from %q: %q", word, argv, got.Argv())
			}
			if at >= 0 && !taken {
				rest = rest[at+1:]
			}
		}
	})
}

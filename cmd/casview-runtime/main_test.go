package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// actVariable makes the test binary act as casview-runtime.
const actVariable = "CASVIEW_RUNTIME_TEST_ACTS"

func TestMain(m *testing.M) {
	if os.Getenv(actVariable) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

func TestSplit(t *testing.T) {
	cases := []struct {
		args, rest string
		own        options
		err        string
	}{
		{args: "--root /r create --bundle . c", rest: "--root /r create --bundle . c"},
		{args: "--casview-config /c --root /r", rest: "--root /r", own: options{config: "/c"}},
		{args: "--casview-config=/c state c", rest: "state c", own: options{config: "/c"}},
		{args: "run --casview-config /c", rest: "run --casview-config /c"},
		{args: "--version", rest: "--version"},
		{args: "--casview-version", own: options{version: true}},
		{args: "--casview-help", own: options{help: true}},
		{args: "--casview-config", err: "a file must follow"},
		{args: "--casview-config= state c", err: "a file must follow"},
		{args: "--casview-conf /c", err: "unknown option --casview-conf "},
	}
	for _, c := range cases {
		t.Run(c.args, func(t *testing.T) {
			own, rest, err := split(strings.Fields(c.args))
			if (c.err == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Fatalf("error %v, want %q", err, c.err)
			}
			if own != c.own || !slices.Equal(rest, strings.Fields(c.rest)) {
				t.Errorf("got %+v, %q", own, rest)
			}
		})
	}
}

// What the real runtime finds is what the engine gave casview-runtime: process, arguments, environment, descriptors, limits,
// umask and folder.
func TestRuntimeTakesOver(t *testing.T) {
	dir := t.TempDir()
	const script = `#!/bin/sh
echo pid $$
pwd
umask
ulimit -Sn
cat <&5
for a; do echo "<$a>"; done
tr '\0' '\n' < /proc/$$/environ
exit 7
`
	runtime, conf := filepath.Join(dir, "real"), filepath.Join(dir, "c.toml")
	for path, text := range map[string]string{runtime: script, conf: "[runtime]\npath = \"" + runtime + "\"\n"} {
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	pipe, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.WriteString("through descriptor 5\n"); err != nil {
		t.Fatal(err)
	}
	w.Close()
	// A soft limit below the hard one: Go raises it in its own processes.
	cmd := exec.Command("/bin/sh", "-c", `ulimit -Sn 100; umask 031; exec "$@"`, "sh", os.Args[0],
		"--casview-config", conf, "--log", "", "kill", "--all", "a b", "", "*")
	cmd.Dir = dir
	cmd.Env = []string{actVariable + "=1", "A=b c", "EMPTY=", "PWD=" + dir}
	cmd.ExtraFiles = []*os.File{nil, nil, pipe}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	if code := cmd.ProcessState.ExitCode(); code != 7 {
		t.Fatalf("exit %d (%v): %s", code, err, &errs)
	}
	want := "pid " + strconv.Itoa(cmd.Process.Pid) + "\n" + dir + "\n0031\n100\nthrough descriptor 5\n" +
		"<--log>\n<>\n<kill>\n<--all>\n<a b>\n<>\n<*>\n" + strings.Join(cmd.Env, "\n") + "\n"
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &out, want)
	}
}

// Signals that an engine ignores or blocks stay so where Go allows it: nohup's is what matters.
func TestIgnoredHangupStaysIgnored(t *testing.T) {
	dir := t.TempDir()
	runtime, conf := filepath.Join(dir, "real"), filepath.Join(dir, "c.toml")
	for path, text := range map[string]string{
		runtime: "#!/bin/sh\nkill -HUP $$\necho alive\n", conf: "[runtime]\npath = \"" + runtime + "\"\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("/bin/sh", "-c", `trap "" HUP; exec "$@"`, "sh", os.Args[0], "--casview-config", conf, "list")
	cmd.Env = []string{actVariable + "=1"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: unix.SIGKILL}
	if out, err := cmd.CombinedOutput(); err != nil || string(out) != "alive\n" {
		t.Errorf("%v: %q", err, out)
	}
}

func TestWithoutRuntime(t *testing.T) {
	conf := filepath.Join(t.TempDir(), "c.toml")
	if err := os.WriteFile(conf, []byte("[runtime]\npath = \"/nowhere/runc\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "--casview-config", conf, "state", "c")
	cmd.Env = []string{actVariable + "=1"}
	out, _ := cmd.CombinedOutput()
	const want = "casview: runtime /nowhere/runc: no such file or directory: install it, or set runtime.path\n"
	if cmd.ProcessState.ExitCode() != 1 || string(out) != want {
		t.Errorf("exit %d: %s", cmd.ProcessState.ExitCode(), out)
	}
}

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/casview/casview/fsd/result"
	"github.com/casview/casview/fsd/rundir"
)

// TestMain makes the test binary a container engine when it is called like one.
func TestMain(m *testing.M) {
	if name := filepath.Base(os.Args[0]); slices.Contains([]string{"podman", "docker", "nerdctl", "ctr"}, name) {
		os.Exit(fakeEngine(name, os.Args[1:]))
	}
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "casview-programs-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	programs = dir
	if err := os.Chmod(dir, 0o755); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

const (
	fakeState = "FAKE_ENGINE_STATE"
	fakeAPI   = "FAKE_ENGINE_API"  // what `docker version` prints
	fakeInfo  = "FAKE_ENGINE_INFO" // what `docker info` prints
)

// installFakeEngine returns the path of an engine that plays the part of the hook and the daemon as well. Its image says
// what happens to the run, its one argument is the job's exit code.
func (s site) installFakeEngine() string { return s.installFake("podman") }

func (s site) installFake(name string) string {
	s.t.Helper()
	self, err := os.Executable()
	if err != nil {
		s.t.Fatal(err)
	}
	path := filepath.Join(s.t.TempDir(), name)
	if err := os.Symlink(self, path); err != nil {
		s.t.Fatal(err)
	}
	s.t.Setenv(fakeState, s.state)
	return path
}

// calls are the commands that the fake engine was given, but for `run`.
func (s site) calls() []string {
	s.t.Helper()
	b, err := os.ReadFile(filepath.Join(s.state, "calls"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(b)), "\n")
}

func fakeEngine(name string, args []string) int {
	switch args[0] {
	case "version":
		fmt.Println(os.Getenv(fakeAPI))
	case "info":
		fmt.Println(os.Getenv(fakeInfo))
	case "run":
		return fakeContainer(name, args[1:])
	case "events":
		b, err := os.ReadFile(fakeStarted())
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return 125
		}
		fmt.Print(string(b))
	default:
		return fakeCommand(args)
	}
	return 0
}

// fakeStarted is where a fake engine keeps its events.
func fakeStarted() string { return filepath.Join(os.Getenv(fakeState), "started") }

// fakeCommand is a command on a container, whose name is the job's exit code.
func fakeCommand(args []string) int {
	f, err := os.OpenFile(filepath.Join(os.Getenv(fakeState), "calls"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = fmt.Fprintln(f, strings.Join(args, " "))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 125
	}
	switch container := args[len(args)-1]; {
	case container == "gone":
		fmt.Fprintln(os.Stderr, "no such container")
		return 125
	case args[0] == "wait":
		fmt.Println(container)
	case args[0] == "tasks":
		code, _ := strconv.Atoi(container)
		return code
	}
	return 0
}

func fakeContainer(name string, args []string) int {
	detached, idFile := false, ""
	annotations := map[string]string{}
	for ; strings.HasPrefix(args[0], "-"); args = args[1:] {
		switch args[0] {
		case "--annotation", "--label":
			key, value, _ := strings.Cut(args[1], "=")
			annotations[key] = value
		case "--env":
			variable, value, _ := strings.Cut(args[1], "=")
			annotations["io.casview."+strings.ToLower(strings.TrimPrefix(variable, "CASVIEW_"))] = value
		case "--cidfile", "--pid-file":
			idFile = args[1]
		case "--runtime", "--runc-binary":
			annotations["runtime"] = args[1]
		case "-d":
			detached = true
			continue
		case "--rm":
			annotations["rm"] = "rm"
			continue
		}
		args = args[1:]
	}
	container := strings.Join(args[1:], "")
	if detached && name != "ctr" {
		fmt.Println(container)
	}
	switch args[0] {
	case "no-image":
		fmt.Fprintln(os.Stderr, "no such image")
		return 125
	case "forgotten":
		defer os.Remove(idFile)
	}
	if idFile != "" {
		if err := os.WriteFile(idFile, []byte(container), 0o600); err != nil {
			return 125
		}
	}
	code, err := fakeRun(annotations, args[0], container)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 126
	}
	if code == 0 && container != "" && !detached {
		code, _ = strconv.Atoi(container)
	}
	return code
}

func fakeRun(annotations map[string]string, image, container string) (int, error) {
	switch image {
	case "no-hook", "forgotten":
		return 0, os.WriteFile(fakeStarted(), []byte("start\n"), 0o600)
	case "killed":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
	runs, err := rundir.OpenRuns(os.Getenv(fakeState))
	if err != nil {
		return 0, err
	}
	d, lock, err := runs.Create(rundir.Spec{Nonce: rundir.NewNonce(), Run: rundir.RunKey(annotations["io.casview.run"]), Container: container, Started: time.Now()})
	if err != nil {
		return 0, err
	}
	defer lock.Close()
	r := result.Result{Run: string(d.Key()), Status: result.Complete}
	switch image {
	case "create-fails":
		return 127, d.Remove()
	case "no-result":
		return 0, nil
	case "partial", "failed":
		r.Status, r.Errors = result.Status(image), []string{"a.o: disk full", "b.o: disk full"}
	case "wait-for-signal":
		signals := make(chan os.Signal, 1)
		signal.Notify(signals, syscall.SIGTERM)
		fmt.Println("ready")
		<-signals
		fmt.Println("got SIGTERM")
	case "annotations":
		for _, k := range []string{"inputs", "target", "outputs"} {
			fmt.Println(annotations["io.casview."+k])
		}
	case "options":
		fmt.Printf("runtime %q, rm %q\n", filepath.Base(annotations["runtime"]), annotations["rm"])
	}
	b, err := r.Encode()
	if err != nil {
		return 0, err
	}
	return 0, d.WriteResult(b)
}

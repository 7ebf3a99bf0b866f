package main

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/casview/casview/fsd/result"
	"github.com/casview/casview/fsd/rundir"
)

// TestMain makes the test binary a container engine when it is called podman.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "podman" {
		os.Exit(fakeEngine(os.Args[1:]))
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

const fakeState = "FAKE_ENGINE_STATE"

// installFakeEngine returns the path of an engine that plays the part of the hook and the daemon as well. Its image says
// what happens to the run, its one argument is the job's exit code.
func (s site) installFakeEngine() string {
	s.t.Helper()
	self, err := os.Executable()
	if err != nil {
		s.t.Fatal(err)
	}
	path := filepath.Join(s.t.TempDir(), "podman")
	if err := os.Symlink(self, path); err != nil {
		s.t.Fatal(err)
	}
	s.t.Setenv(fakeState, s.state)
	return path
}

func fakeEngine(args []string) int {
	annotations := map[string]string{}
	args = args[1:] // run
	for args[0] == "--annotation" {
		key, value, _ := strings.Cut(args[1], "=")
		annotations[key] = value
		args = args[2:]
	}
	code, err := fakeRun(annotations, args[0])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 126
	}
	if code == 0 && len(args) > 1 {
		code, _ = strconv.Atoi(args[1])
	}
	return code
}

func fakeRun(annotations map[string]string, image string) (int, error) {
	switch image {
	case "no-hook":
		return 0, nil
	case "killed":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
	runs, err := rundir.OpenRuns(os.Getenv(fakeState))
	if err != nil {
		return 0, err
	}
	d, lock, err := runs.Create(rundir.Spec{Nonce: rundir.NewNonce(), Run: rundir.RunKey(annotations["io.casview.run"]), Started: time.Now()})
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
	}
	b, err := r.Encode()
	if err != nil {
		return 0, err
	}
	return 0, d.WriteResult(b)
}

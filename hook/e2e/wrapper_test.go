package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// A defect of casview's stops the containers that ask for it, and their users are told why in the engine's own message. Others
// run.
func TestWrapperRefusalReachesTheUser(t *testing.T) {
	for _, kind := range engines {
		if kind.name != "docker" && kind.name != "containerd-runtime" {
			continue
		}
		t.Run(kind.name, func(t *testing.T) {
			e := kind.start(t, nil)
			s := e.site()
			root := s.store(t, file{path: "in", content: "in\n"})
			s.configure(t, setup{"log": `level = "loud"`})
			o := runJob(t, e, sh(root, unique("refused"), "echo the job ran"))
			if o.code == 0 || strings.Contains(o.stdout, "the job ran") {
				t.Errorf("exit %d, stdout %q", o.code, o.stdout)
			}
			wantLine(t, o.stderr, s.config, `log.level: "loud" is not one of`)
			if o := succeed(t, e, job{args: []string{"/bin/echo", "plain"}}); o.stdout != "plain\n" {
				t.Errorf("a container that does not ask: stdout %q", o.stdout)
			}
			s.configure(t, nil)
			s.noRuns(t)
		})
	}
}

// An engine that has the hooks as well makes one view, not two.
func TestWrapperBesideInstalledHooks(t *testing.T) {
	e := startPodmanRunc(t, nil).(*podman)
	s := e.site()
	e.runtime = runtimeScript(t, s)
	root := s.store(t, file{path: "in", content: "in\n"})
	for _, hooks := range []string{e.hooks, tempDir(t, 0)} {
		e.hooks = hooks
		name := unique("both")
		o := succeed(t, e, sh(root, name, "grep -c ' /workspace ' /proc/self/mountinfo; echo out > out"))
		if o.stdout != "1\n" {
			t.Errorf("mounts at the target: %q", o.stdout)
		}
		wantPaths(t, "hashed_files", outputPaths(s.complete(t, name)), "out")
		nothingLeft(t, e, name)
	}
}

// runc and crun behind casview-runtime, started on a bundle directly. The container asks by annotations, or by variables.
func TestWrapperRuntimes(t *testing.T) {
	for _, start := range []func(*testing.T, setup) engine{startRunc, startCrun} {
		r := start(t, nil).(*bundleRuntime)
		s := r.site()
		s.configure(t, setup{"runtime": fmt.Sprintf("path = %q", r.program), "policy": "accept_env = true"})
		name := filepath.Base(r.program)
		r.program = runtimeScript(t, s)
		for _, way := range []struct {
			name string
			edit func(*specs.Spec)
		}{{"annotations", func(*specs.Spec) {}}, {"variables", askByVariables}} {
			t.Run(name+"/"+way.name, func(t *testing.T) {
				j := sh(s.store(t, file{path: "in", content: "in\n"}), unique("wrapped"), "cat in > out; exit 3")
				j.edit = way.edit
				o := run(t, r.runtime(t, "run", "--bundle", plainBundle(t, r, j), unique("c")))
				if o.code != 3 {
					t.Fatalf("exit %d: %s", o.code, o.stderr)
				}
				wantPaths(t, "hashed_files", outputPaths(s.complete(t, j.run)), "out")
				nothingLeft(t, r, j.run)
			})
		}
	}
}

// askByVariables puts variables in the place of annotations.
func askByVariables(s *specs.Spec) {
	for key, value := range s.Annotations {
		s.Process.Env = append(s.Process.Env, variableOf(key)+"="+value)
	}
	s.Annotations = nil
}

// casview-runtime is on the way of every call of a runtime. What it adds is measured with a runtime that does nothing. As for
// createRuntime, the limit holds on a host that is idle, and since hosts are slow for seconds at a time, of some rounds that
// are seconds apart one must keep it. A host shared with others may be slow all the time: then the start of a program that
// does nothing is too, and the limit grows with it.
func TestWrapperTime(t *testing.T) {
	const limit, usual = 3 * time.Millisecond, 600 * time.Microsecond
	const quiet = 0.1
	s := newSite(t, 0, nil)
	nothing := filepath.Join(newRootfs(t, filepath.Join(s.dir, "rootfs"), 0), "bin/true")
	s.configure(t, setup{"runtime": fmt.Sprintf("path = %q", nothing)})
	wrapper := []string{filepath.Join(shared.bin, "casview-runtime"), "--casview-config", s.config}
	plain, asking := largeBundle(t, nil), largeBundle(t, map[string]string{annInputs: "sha256:" + sha256Hex("")})
	for round := range 6 {
		time.Sleep(time.Duration(min(round, 1)) * time.Second)
		before := readCPU(t)
		times := measureCalls(t, [][]string{
			{nothing}, wrapper, append(slices.Clone(wrapper), "create", "--bundle", plain, "c"),
			append(slices.Clone(wrapper), "create", "--bundle", asking, "c"),
		}, func() { restore(t, asking) })
		idle := readCPU(t).idleSince(before)
		none := times[0]
		t.Logf("median of %d: nothing takes %.2f ms; added: %.1f ms to other calls, %.1f ms to a container, %.1f ms to one that asks (processors idle: %.0f %%)",
			callRounds, ms(none), ms(times[1]-none), ms(times[2]-none), ms(times[3]-none), 100*idle)
		if slices.Max(times)-none <= max(limit, limit*none/usual) || idle < quiet {
			return
		}
	}
	t.Errorf("casview-runtime added more than %v on an idle host", limit)
}

const callRounds = 41

// measureCalls runs commands in turn, since the host's noise comes and goes, and returns their medians.
func measureCalls(t *testing.T, commands [][]string, prepare func()) []time.Duration {
	t.Helper()
	all := make([][]time.Duration, len(commands))
	for range callRounds {
		prepare()
		for i, args := range commands {
			started := time.Now()
			out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
			all[i] = append(all[i], time.Since(started))
			if err != nil {
				t.Fatalf("%q: %v: %s", args, err, out)
			}
		}
	}
	var medians []time.Duration
	for _, times := range all {
		slices.Sort(times)
		medians = append(medians, times[callRounds/2])
	}
	return medians
}

// largeBundle has a configuration as large as Kubernetes and Docker write them. It is on a tmpfs, as /run is, where they do.
func largeBundle(t *testing.T, annotations map[string]string) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "cve2e")
	must(t, err)
	t.Cleanup(func() { must(t, os.RemoveAll(dir)) })
	spec := bundleSpec("/nowhere", job{args: []string{"true"}})
	spec.Annotations = annotations
	for i := range 400 {
		spec.Process.Env = append(spec.Process.Env, fmt.Sprintf("SERVICE_%d_PORT=tcp://10.0.0.1:%d/<escaped>", i, i))
	}
	writeSpec(t, dir, spec)
	must(t, os.Rename(filepath.Join(dir, "config.json"), filepath.Join(dir, "original.json")))
	restore(t, dir)
	return dir
}

// restore puts the configuration back as the engine wrote it.
func restore(t *testing.T, bundle string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(bundle, "original.json"))
	must(t, err)
	must(t, os.WriteFile(filepath.Join(bundle, "config.json"), b, 0o644))
}

package examples

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/casview/casview/fsd/result"
)

// forge is a host of runners: casview and podman are on its PATH and configured, and the image that the examples name is
// there. It runs what stands in the examples' YAML files, as it stands.
type forge struct {
	dir, project string
	env          []string
}

const forgeImage = "docker.io/library/busybox:1.36"

// newForge copies examples/project to a path below the forge's directory. settings go into casview's configuration.
func newForge(t *testing.T, project, settings string) *forge {
	t.Helper()
	needHost(t)
	dir := tempDir(t)
	f := &forge{dir: dir, project: filepath.Join(dir, project)}
	must(t, os.CopyFS(f.project, os.DirFS("project")))
	config := writeFile(t, fmt.Sprintf("state = %q\n%s", dir+"/state", strings.ReplaceAll(settings, "DIR", dir)), dir, "config.toml")
	writeFile(t, fmt.Sprintf("#!/bin/sh\nexec %s/casview --config %s \"$@\"\n", shared.bin, config), dir, "bin/casview")
	hooks := filepath.Join(dir, "hooks.d")
	run(t, dir+"/bin/casview", "install", "--engine", "podman", "--hooks-dir", hooks)
	podman := filepath.Join(dir, "podman")
	f.env = append(podmanEnv(t, podman), "PATH="+dir+"/bin:"+os.Getenv("PATH"))
	conf := read(t, podman+"/containers.conf")
	writeFile(t, fmt.Sprintf("%shooks_dir = [%q]\n", conf, hooks), podman, "containers.conf")
	run(t, "bash", "-c", `. lib/bundle.sh; make_rootfs "$1/rootfs"; tar -C "$1/rootfs" -cf "$1/rootfs.tar" .`, "bash", dir)
	f.run(t, "podman", "import", "--change", "ENV PATH=/bin", dir+"/rootfs.tar", forgeImage).want(t, 0, "")
	t.Cleanup(func() { nothingRuns(t) })
	return f
}

// run runs a command in the project's directory.
func (f *forge) run(t *testing.T, program string, args ...string) outcome {
	t.Helper()
	return f.with(t, nil, program, args...)
}

func (f *forge) with(t *testing.T, env []string, program string, args ...string) outcome {
	t.Helper()
	if path := filepath.Join(f.dir, "bin", program); program == "casview" {
		program = path
	}
	cmd := exec.Command(program, args...)
	cmd.Env = slices.Concat(os.Environ(), f.env, env)
	cmd.Dir = f.project
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s: %v", program, err)
	}
	return outcome{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// result is that of a run.
func (f *forge) result(t *testing.T, name string) *result.Result {
	t.Helper()
	r, err := result.Read(filepath.Join(f.dir, "state/runs", name, "result.json"))
	must(t, err)
	return r
}

// decode reads a YAML file, and refuses what the type does not have.
func decode(t *testing.T, path string, into any) {
	t.Helper()
	d := yaml.NewDecoder(strings.NewReader(read(t, path)))
	d.KnownFields(true)
	if err := d.Decode(into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// gitlabJob is what .gitlab-ci.yml says of a job.
type gitlabJob struct {
	Tags         []string          `yaml:"tags"`
	Image        string            `yaml:"image"`
	Variables    map[string]string `yaml:"variables"`
	BeforeScript []string          `yaml:"before_script"`
	Script       []string          `yaml:"script"`
	Artifacts    struct {
		Paths []string `yaml:"paths"`
	} `yaml:"artifacts"`
}

// gitlab runs one stage of a job as GitLab's runner does with the custom executor: it writes one script of all commands,
// and calls run_exec with it.
func (f *forge) gitlab(t *testing.T, j gitlabJob, stage string, commands ...string) outcome {
	t.Helper()
	text := "#!/usr/bin/env bash\n\nset -eo pipefail\nset +o noclobber\n"
	for name, value := range j.Variables {
		text += fmt.Sprintf("export %s='%s'\n", name, value)
	}
	text += "cd '" + f.project + "'\n"
	for _, c := range commands {
		text += "echo '$ " + strings.ReplaceAll(c, "'", `'\''`) + "'\n" + c + "\n"
	}
	script := writeFile(t, text, tempDir(t), "script")
	driver, err := filepath.Abs("gitlab/run")
	must(t, err)
	env := []string{
		"CUSTOM_ENV_CI_PROJECT_DIR=" + f.project, "CUSTOM_ENV_CI_JOB_ID=4711", "CUSTOM_ENV_CI_JOB_IMAGE=" + j.Image,
		"BUILD_FAILURE_EXIT_CODE=71", "SYSTEM_FAILURE_EXIT_CODE=72", "BUILD_EXIT_CODE_FILE=" + f.dir + "/code",
	}
	return f.with(t, env, driver, script, stage)
}

func TestGitLab(t *testing.T) {
	var jobs map[string]gitlabJob
	decode(t, "gitlab/.gitlab-ci.yml", &jobs)
	j := jobs["site"]
	f := newForge(t, "builds/group/project", "[view]\nallowed_targets = [\"/workspace\", \"DIR/builds/**\"]\n")
	o := f.gitlab(t, j, "step_script", slices.Concat(j.BeforeScript, j.Script)...)
	o.want(t, 0, "")
	if !strings.Contains(o.stdout, "building A hermetic site") || !strings.Contains(o.stdout, "built 3 pages") {
		t.Errorf("stdout %q", o.stdout)
	}
	for _, p := range j.Artifacts.Paths {
		if found, err := filepath.Glob(filepath.Join(f.project, p, "*.html")); err != nil || len(found) == 0 {
			t.Errorf("no artifacts in %s: %v", p, err)
		}
	}
	r := f.result(t, "gitlab-4711-step_script")
	if r.Target != f.project || r.Status != result.Complete {
		t.Errorf("target %s, status %s", r.Target, r.Status)
	}
	t.Run("Hermetic", func(t *testing.T) {
		writeFile(t, "host", f.dir, "builds/group/other/file")
		f.gitlab(t, j, "step_script", "test ! -e ../other").want(t, 0, "")
	})
	t.Run("JobFails", func(t *testing.T) {
		f.gitlab(t, j, "step_script", "echo why > log", "exit 7").want(t, 71, "")
		if code, log := read(t, f.dir+"/code"), read(t, f.project+"/log"); code != "7\n" || log != "why\n" {
			t.Errorf("code %q, log %q", code, log)
		}
	})
	t.Run("RunnersOwnScripts", func(t *testing.T) {
		f.gitlab(t, j, "upload_artifacts_on_success", "test -d '"+f.dir+"'").want(t, 0, "")
	})
	t.Run("WithoutTheHook", func(t *testing.T) {
		must(t, os.RemoveAll(f.dir+"/hooks.d"))
		f.gitlab(t, j, "step_script", "true").want(t, 72, "")
	})
}

// workflow is what a file in .github/workflows says.
type workflow struct {
	Name string `yaml:"name"`
	On   string `yaml:"on"`
	Jobs map[string]struct {
		RunsOn  []string          `yaml:"runs-on"`
		Env     map[string]string `yaml:"env"`
		Outputs map[string]string `yaml:"outputs"`
		Steps   []githubStep      `yaml:"steps"`
	} `yaml:"jobs"`
}

type githubStep struct {
	Uses string            `yaml:"uses"`
	With map[string]string `yaml:"with"`
	Name string            `yaml:"name"`
	ID   string            `yaml:"id"`
	Run  string            `yaml:"run"`
}

// githubValues are what ${{ NAME }} stands for.
type githubValues map[string]string

var githubExpression = regexp.MustCompile(`\$\{\{ *([a-z0-9_.]+) *\}\}`)

func (v githubValues) expand(t *testing.T, text string) string {
	t.Helper()
	return githubExpression.ReplaceAllStringFunc(text, func(s string) string {
		name := githubExpression.FindStringSubmatch(s)[1]
		if _, ok := v[name]; !ok {
			t.Errorf("%s stands for nothing", s)
		}
		return v[name]
	})
}

// github runs the `run` of a step as GitHub's runner does: in the workspace, with bash -e, and with a file for its outputs.
func (f *forge) github(t *testing.T, v githubValues, env map[string]string, s githubStep) outcome {
	t.Helper()
	script := writeFile(t, v.expand(t, s.Run), tempDir(t), "step.sh")
	outputs := writeFile(t, "", f.dir, "outputs")
	vars := []string{"GITHUB_WORKSPACE=" + f.project, "GITHUB_OUTPUT=" + outputs}
	for name, value := range env {
		vars = append(vars, name+"="+v.expand(t, value))
	}
	o := f.with(t, vars, "bash", "-e", script)
	for line := range strings.Lines(read(t, outputs)) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		v["steps."+s.ID+".outputs."+name] = value
	}
	return o
}

func TestGitHub(t *testing.T) {
	var w workflow
	decode(t, "github/workflow.yml", &w)
	j := w.Jobs["site"]
	f := newForge(t, "work/project", "")
	v := githubValues{"github.run_id": "12", "github.run_attempt": "1"}
	for _, s := range j.Steps {
		switch {
		case strings.HasPrefix(s.Uses, "actions/checkout@"): // the project is there
		case strings.HasPrefix(s.Uses, "actions/upload-artifact@"):
			if found, err := filepath.Glob(filepath.Join(f.project, s.With["path"], "*.html")); err != nil || len(found) == 0 {
				t.Errorf("no artifacts in %s: %v", s.With["path"], err)
			}
		default:
			f.github(t, v, j.Env, s).want(t, 0, "")
		}
	}
	r := f.result(t, "github-12-1")
	checkProject(t, r, f.project)
	for name, text := range j.Outputs {
		if got := v.expand(t, text); got != r.OutputsRoot.String() {
			t.Errorf("output %s is %q, the result says %s", name, got, r.OutputsRoot)
		}
	}
	if got := v["steps.build.outputs.inputs_root"]; got != r.InputsRoot.String() {
		t.Errorf("inputs_root is %q, the result says %s", got, r.InputsRoot)
	}
	t.Run("WithoutTheHook", func(t *testing.T) {
		must(t, os.RemoveAll(f.dir+"/hooks.d"))
		f.github(t, v, j.Env, j.Steps[1]).want(t, 125, "ran without the view")
	})
}

// pod is what pod.yaml has of a Kubernetes pod.
type pod struct {
	APIVersion string `yaml:"apiVersion" json:"apiVersion"`
	Kind       string `yaml:"kind" json:"kind"`
	Metadata   struct {
		Name        string            `yaml:"name" json:"name"`
		Annotations map[string]string `yaml:"annotations" json:"annotations,omitempty"`
	} `yaml:"metadata" json:"metadata"`
	Spec struct {
		RestartPolicy string            `yaml:"restartPolicy" json:"restartPolicy"`
		HostNetwork   bool              `yaml:"hostNetwork" json:"hostNetwork"`
		NodeSelector  map[string]string `yaml:"nodeSelector" json:"nodeSelector,omitempty"`
		Containers    []podContainer    `yaml:"containers" json:"containers"`
	} `yaml:"spec" json:"spec"`
}

type podContainer struct {
	Name            string        `yaml:"name" json:"name"`
	Image           string        `yaml:"image" json:"image"`
	ImagePullPolicy string        `yaml:"imagePullPolicy" json:"imagePullPolicy"`
	Command         []string      `yaml:"command" json:"command"`
	Env             []podVariable `yaml:"env" json:"env"`
}

type podVariable struct {
	Name  string `yaml:"name" json:"name"`
	Value string `yaml:"value" json:"value"`
}

// There is no CRI-O here, but podman runs pods. Before version 5 it refuses annotations as long as a digest, so the
// container asks by variables instead; and the host has no network to give to a pod.
func TestKubernetesPodWithPodmanAndVariablesForAnnotations(t *testing.T) {
	f := newForge(t, "work/project", "[policy]\naccept_env = true\n")
	root := strings.TrimSpace(f.run(t, "casview", "ingest", ".").stdout)
	var p pod
	decode(t, "kubernetes/pod.yaml", &p)
	for key, value := range p.Metadata.Annotations {
		name := strings.ToUpper(strings.ReplaceAll(strings.TrimPrefix(key, "io."), ".", "_"))
		v := podVariable{name, strings.ReplaceAll(value, "INPUTS", root)}
		p.Spec.Containers[0].Env = append(p.Spec.Containers[0].Env, v)
	}
	p.Metadata.Annotations, p.Spec.HostNetwork = nil, true
	text, err := json.Marshal(p)
	must(t, err)
	manifest := writeFile(t, string(text), f.dir, "pod.json")
	f.run(t, "podman", "kube", "play", manifest).want(t, 0, "")
	defer func() { f.run(t, "podman", "kube", "down", manifest).want(t, 0, "") }()
	if o := f.run(t, "podman", "wait", "site-build"); o.stdout != "0\n" {
		t.Errorf("the container ended with %q, %q", o.stdout, o.stderr)
	}
	f.run(t, "casview", "result", "site", "--wait", "20s").want(t, 0, "")
	f.run(t, "casview", "materialize", "site", f.dir+"/result").want(t, 0, "")
	checkProject(t, f.result(t, "site"), f.dir+"/result")
}

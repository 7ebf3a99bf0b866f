package examples

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

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

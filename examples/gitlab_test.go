package examples

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/casview/casview/fsd/result"
)

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

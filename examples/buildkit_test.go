//go:build buildkit

// BuildKit takes minutes to build, so these tests are for `make test-buildkit`, which builds it into bin/.

package examples

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestBuildKit(t *testing.T) {
	for _, driver := range []string{"overlay", "fuse"} {
		t.Run(driver, func(t *testing.T) {
			work := tempDir(t)
			o := script{path: "buildkit/run", env: []string{"DRIVER=" + driver}, work: work}.succeed(t)
			all := results(t, work)
			if len(all) != 1 {
				t.Fatalf("%d results: the second build must be known", len(all))
			}
			checkProject(t, all[0], filepath.Join(work, "result"))
			if all[0].StagingDriver != driver || !strings.Contains(o.stdout, "built 3 pages") {
				t.Errorf("driver %s, stdout: %s", all[0].StagingDriver, o.stdout)
			}
			left, err := filepath.Glob("/sys/fs/cgroup/*/example-buildkit-*")
			must(t, err)
			if len(left) > 0 {
				t.Errorf("left on the host: %q", left)
			}
		})
	}
}

// A step that fails is shown as BuildKit shows it, and has a result all the same.
func TestBuildKitStepThatFails(t *testing.T) {
	inputs, work := tempDir(t), tempDir(t)
	writeFile(t, "#!/bin/sh\nmkdir out && echo why > out/log && exit 7\n", inputs, "build.sh")
	o := script{path: "buildkit/run", args: []string{inputs}, work: work}.run(t)
	o.want(t, 1, "")
	if !strings.Contains(o.stdout, "exit code: 7") {
		t.Errorf("stdout: %s", o.stdout)
	}
	all := results(t, work)
	if len(all) != 1 {
		t.Fatalf("%d results", len(all))
	}
	if e, ok := all[0].HashedFiles.Find("out/log"); !ok || e.Size != 4 {
		t.Errorf("outputs %+v", all[0].HashedFiles)
	}
}

package hook

import (
	"testing"

	"github.com/casview/casview/hook/state"
)

// Every container of a pod has the pod's annotations. The one that keeps its namespaces leaves the run to the one with a job.
func TestPodSandbox(t *testing.T) {
	for _, mark := range []string{"io.kubernetes.cri.container-type", "io.kubernetes.cri-o.ContainerType"} {
		t.Run(mark, func(t *testing.T) {
			w := newWorld(t)
			pause, job := w.container("pause", t.TempDir()), w.container("job", t.TempDir())
			pause.annotations[mark], job.annotations[mark] = "sandbox", "container"
			pause.annotations[state.Run], job.annotations[state.Run] = "build", "build"
			pause.start(false)
			must(t, pause.create())
			job.start(false)
			must(t, job.create())
			if exists(pause.inside("/workspace/hello")) || !exists(job.inside("/workspace/hello")) {
				t.Error("the view is not the job's")
			}
			job.stop()
			must(t, job.poststop())
			pause.stop()
			must(t, pause.poststop())
			if spec := w.run("build").Spec(); spec.Container != "job" {
				t.Errorf("run.json: %+v", spec)
			}
		})
	}
}

package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/casview/casview/hook/doctor"
)

// The doctor's own job runs as users' jobs do, in the podman of a user without root. Package doctor has the other engines.
func TestDoctorRunsAJobRootless(t *testing.T) {
	e := startPodmanRootless(t, nil)
	s := e.site()
	dropIns := filepath.Join(s.dir, ".config/containers/containers.conf.d")
	must(t, os.MkdirAll(dropIns, 0o755))
	writeFile(t, "[engine]\nruntime = \"runc\"\n", dropIns, "runtime.conf")
	chownTree(t, dropIns, s.uid)

	o := s.casview(t, "doctor", "--engine", "podman", "--run", "--json")
	var r doctor.Report
	if err := json.Unmarshal([]byte(o.stdout), &r); err != nil || o.code > 1 {
		t.Fatalf("exit %d, %v: %s%s", o.code, err, o.stdout, o.stderr)
	}
	if r.Mode != "rootless" {
		t.Errorf("mode %s", r.Mode)
	}
	ran := false
	for _, f := range r.Findings {
		if f.Status == doctor.Broken {
			t.Errorf("%+v", f)
		}
		ran = ran || f.ID == doctor.Job && f.Status == doctor.OK
	}
	if !ran {
		t.Errorf("no job ran: %s", o.stdout)
	}
	s.noRuns(t)
}

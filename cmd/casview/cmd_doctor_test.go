package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/casview/casview/hook/doctor"
)

// nothingOnPath leaves a host without engines, as far as PATH goes.
func nothingOnPath(t *testing.T) {
	program(t) // is built with what PATH has
	t.Setenv("PATH", t.TempDir())
}

func TestDoctorPrints(t *testing.T) {
	s := newSite(t)
	nothingOnPath(t)
	o := s.process("doctor", "--engine", "nerdctl")
	lines := strings.Split(o.out, "\n")
	if o.code != exitUsage || o.err != "" || !strings.HasPrefix(lines[0], "BROKEN ") || !strings.HasPrefix(lines[1], "    why:  ") || !strings.HasPrefix(lines[2], "    mend: ") {
		t.Fatalf("exit %d\n%s%s", o.code, o.out, o.err)
	}
	if !strings.Contains(o.out, "does not work: ") || !strings.Contains(o.out, "host  engines  ") {
		t.Errorf("%s", o.out)
	}
	if _, err := os.Stat(s.state); err == nil {
		t.Error("the doctor made the state directory")
	}
}

func TestDoctorJSON(t *testing.T) {
	s := newSite(t)
	nothingOnPath(t)
	write(t, s.config, "state = 1\n")
	o := s.process("doctor", "--engine", "nerdctl", "--json")
	var r doctor.Report
	if err := json.Unmarshal([]byte(o.out), &r); err != nil || o.code != exitUsage {
		t.Fatalf("exit %d, %v: %s%s", o.code, err, o.out, o.err)
	}
	if r.Schema != "casview.doctor/v1" || r.Status != doctor.Broken || r.Mode == "" || r.Version == "" {
		t.Errorf("%+v", r)
	}
	for _, f := range r.Findings {
		if f.ID == doctor.Config && (f.Status != doctor.Broken || !strings.Contains(f.What, s.config+":1")) {
			t.Errorf("%+v", f)
		}
	}
}

func TestDoctorExitCodes(t *testing.T) {
	for status, want := range map[doctor.Status]int{doctor.OK: 0, doctor.Degraded: 1, doctor.Broken: 2} {
		if got := (&app{}).report(reportExit(status)); got != want {
			t.Errorf("%s: exit %d, want %d", status, got, want)
		}
	}
}

func TestDoctorUsage(t *testing.T) {
	s := newSite(t)
	s.casview("doctor", "--engine", "lxc").wantExit(t, exitUsage, `engine "lxc": is none of podman, crio, docker`)
	s.casview("doctor", "podman").wantExit(t, exitUsage, "doctor")
	if o := s.casview("__complete", "doctor", "--engine", ""); !strings.HasPrefix(o.out, "podman\ncrio\n") {
		t.Errorf("completion: %q", o.out)
	}
	if o := s.casview("doctor", "--help"); strings.Contains(o.out, "Available Commands") {
		t.Errorf("the doctor's own commands are shown: %s", o.out)
	}
}

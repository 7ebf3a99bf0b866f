package e2e

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/casview/casview/fsd/rundir"
)

// marker looks at /.casview from inside, also where the root filesystem is read-only.
func marker(t *testing.T, e engine) {
	withMarker(t, e.site())
	for _, readonly := range []bool{false, true} {
		markerInside(t, e, readonly)
	}
	plain := succeed(t, e, job{args: []string{"/bin/sh", "-c", "ls -a / | grep casview || echo none"}})
	if plain.stdout != "none\n" {
		t.Errorf("a container without casview has %q", plain.stdout)
	}
}

// withMarker switches the marker on until the test ends.
func withMarker(t *testing.T, s *site) {
	t.Helper()
	with := setup{"view": "marker = true"}
	maps.Copy(with, s.staging.config)
	s.configure(t, with)
	t.Cleanup(func() { s.configure(t, s.staging.config) })
}

func markerInside(t *testing.T, e engine, readonly bool) {
	t.Helper()
	s := e.site()
	root := s.store(t, file{path: "in", content: "in\n"})
	name := unique("marker")
	j := sh(root, name, `
		EXPECTED=`+root+`
		stat -c %u:%g:%a /.casview
		grep -q ' /\.casview ro,' /proc/self/mountinfo && grep -q "\"inputs_root\": \"$EXPECTED\"" /.casview # as docs/formats.md says
		grep -c " /.casview " /proc/self/mountinfo
		echo forged 2>/dev/null > /.casview && exit 1
		rm -f /.casview 2>/dev/null && exit 1
		chmod 666 /.casview 2>/dev/null && exit 1
		cat /.casview`)
	j.readonly = readonly
	o := succeed(t, e, j)
	text, ok := strings.CutPrefix(o.stdout, "0:0:444\n1\n")
	if !ok {
		t.Errorf("owner, mode, number of mounts and text in the container: %q", o.stdout)
	}
	dec := json.NewDecoder(strings.NewReader(text))
	dec.DisallowUnknownFields()
	var got rundir.Marker
	must(t, dec.Decode(&got))
	result := s.complete(t, name)
	want := rundir.Marker{
		Schema: "casview.marker/v1", Run: rundir.RunKey(name), InputsRoot: result.InputsRoot, Target: "/workspace",
		StagingDriver: s.staging.driver,
	}
	if got != want || got.InputsRoot.String() != root {
		t.Errorf("marker %+v, want %+v", got, want)
	}
	wantPaths(t, "hashed_files", outputPaths(result))
	nothingLeft(t, e, name)
}

// What an image has at /.casview is not taken for the marker.
func TestMarkerAndTheImage(t *testing.T) {
	r := newRunc(t, nil)
	withMarker(t, r.place)
	place := filepath.Join(r.image, ".casview")
	must(t, os.WriteFile(place, []byte("forged\n"), 0o644))
	name := unique("forged")
	j := sh(r.place.store(t, file{path: "in", content: "in\n"}), name, "cat /.casview")
	if o := succeed(t, r, j); !strings.Contains(o.stdout, name) || strings.Contains(o.stdout, "forged\n") {
		t.Errorf("the job read %q", o.stdout)
	}
	r.place.complete(t, name)
	if b, err := os.ReadFile(place); string(b) != "forged\n" {
		t.Errorf("the image's file is now %q, %v", b, err)
	}
	must(t, os.Remove(place))
	must(t, os.Symlink("etc/passwd", place))
	j.run = unique("symlink")
	o := runJob(t, r, j)
	if o.code == 0 {
		t.Errorf("the job ran: %q", o.stdout)
	}
	wantLine(t, o.stderr, "marker /.casview: is a symlink: remove it from the image, or set view.marker = false")
	must(t, os.Remove(place))
	r.place.noProcesses(t)
}

// Two containers on one root filesystem: the marker of the second stays when the first has ended.
func TestMarkerInASharedRootfs(t *testing.T) {
	r := newRunc(t, nil)
	withMarker(t, r.place)
	root := r.place.store(t, file{path: "in", content: "in\n"})
	first := startWaiting(t, r, job{inputs: root, run: unique("first")})
	second := startWaiting(t, r, job{inputs: root, run: unique("second")})
	first.kill(t)
	first.engine.wait(t)
	r.place.complete(t, first.name)
	if b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(second.pid(t)), "root/.casview")); !strings.Contains(string(b), second.name) {
		t.Errorf("in the second container, after the first one ended: %q, %v", b, err)
	}
	second.kill(t)
	second.engine.wait(t)
	r.place.complete(t, second.name)
	nothingLeft(t, r, first.name)
	nothingLeft(t, r, second.name)
}

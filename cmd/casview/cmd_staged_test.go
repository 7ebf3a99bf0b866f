package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/casview/casview/cas/digest"
	"github.com/casview/casview/fsd/rundir"
)

func TestStaged(t *testing.T) {
	s := newSite(t)
	root, err := digest.Parse(s.ingest(sources(t)))
	if err != nil {
		t.Fatal(err)
	}
	runs, err := rundir.OpenRuns(s.state)
	if err != nil {
		t.Fatal(err)
	}
	d, lock, err := runs.Create(rundir.Spec{Nonce: rundir.NewNonce(), Run: "job", InputsRoot: root, Started: time.Now(),
		Store: filepath.Join(s.state, "store"), Digest: "sha256"})
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if err := d.WriteView(rundir.View{Driver: "overlay"}); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(d.UpperPath(), "out.o"), "object")
	if err := os.MkdirAll(d.WorkPath(), 0o755); err != nil {
		t.Fatal(err)
	}
	var v struct {
		Files map[string]struct {
			Type, Hash string
			Path       string `json:"staging_path"`
			Size       int64
		} `json:"staging_files"`
		Deleted []string `json:"deleted_inputs"`
	}
	if err := json.Unmarshal([]byte(s.ok("staged", "job")), &v); err != nil {
		t.Fatal(err)
	}
	f := v.Files["out.o"]
	if len(v.Files) != 1 || f.Type != "file" || f.Hash != "" || f.Size != 6 || f.Path != filepath.Join(d.UpperPath(), "out.o") || v.Deleted == nil {
		t.Errorf("got %+v", v)
	}
	s.casview("staged", "gone").wantExit(t, exitNoRun, `no run "gone"`)
}

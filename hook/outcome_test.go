package hook

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/casview/casview/fsd/result"
	"github.com/casview/casview/fsd/rundir"
)

func TestOutcome(t *testing.T) {
	runs, err := rundir.OpenRuns(t.TempDir())
	must(t, err)
	run, lock, err := runs.Create(rundir.Spec{Nonce: rundir.NewNonce(), Run: "build"})
	must(t, err)
	defer lock.Close()
	cases := []struct {
		status result.Status
		errs   []string
		want   string
	}{
		{result.Complete, nil, ""},
		{result.Partial, []string{"out/a: disk full", "out/b: disk full"}, "run build: outputs are not complete (partial): out/a: disk full (and 1 more): "},
		{result.Failed, []string{"disk full"}, "run build: outputs are not complete (failed): disk full: "},
	}
	for _, c := range cases {
		r := result.Result{Run: "build", Status: c.status, Errors: c.errs, HashedFiles: result.Files{{Path: "errors", Kind: result.Dir}}}
		b, err := r.Encode()
		must(t, err)
		must(t, run.WriteResult(b))
		err = outcome(run)
		if (c.want == "") != (err == nil) || (err != nil && err.Error() != c.want+run.ResultPath()) {
			t.Errorf("%s: %v", c.status, err)
		}
		if told := errors.As(err, new(Incomplete)); told != (c.want != "") {
			t.Errorf("%s: fails the hook: %v", c.status, err)
		}
	}
	for _, damaged := range []string{"", "{", `{"status":1}`, `{"status":"complete"`, "[]"} {
		must(t, os.WriteFile(run.ResultPath(), []byte(damaged), 0o600))
		if err := outcome(run); err == nil || errors.As(err, new(Incomplete)) || !strings.Contains(err.Error(), filepath.Base(run.ResultPath())) {
			t.Errorf("%q: %v", damaged, err)
		}
	}
}

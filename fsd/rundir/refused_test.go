package rundir_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/casview/casview/fsd/rundir"
)

func TestRefusal(t *testing.T) {
	runs, _ := openRuns(t)
	if _, _, err := runs.Refusal("job"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nobody was refused: %v", err)
	}
	for _, why := range []string{"first", "second"} {
		if err := runs.Refuse("job", why); err != nil {
			t.Fatal(err)
		}
	}
	why, when, err := runs.Refusal("job")
	if err != nil || why != "second" || time.Since(when).Abs() > time.Minute {
		t.Errorf("got %q, %v, %v", why, when, err)
	}
	_, lock := create(t, runs, "job")
	defer lock.Close()
	if _, _, err := runs.Refusal("job"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after a run of that name: %v", err)
	}
}

func TestRefusalsAreBounded(t *testing.T) {
	state := t.TempDir()
	runs, err := rundir.OpenRuns(state)
	if err != nil {
		t.Fatal(err)
	}
	const many = 300
	for i := range many {
		if err := runs.Refuse(rundir.RunKey("job"+strconv.Itoa(i)), "why"); err != nil {
			t.Fatal(err)
		}
		old := time.Now().Add(time.Duration(i-many) * time.Second)
		if err := os.Chtimes(filepath.Join(state, "refused", "job"+strconv.Itoa(i)), old, old); err != nil {
			t.Fatal(err)
		}
	}
	left, err := os.ReadDir(filepath.Join(state, "refused"))
	if err != nil || len(left) != 256 {
		t.Errorf("%d are kept, %v", len(left), err)
	}
	if _, _, err := runs.Refusal("job299"); err != nil {
		t.Errorf("the last one: %v", err)
	}
	if _, _, err := runs.Refusal("job0"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the first one: %v", err)
	}
}

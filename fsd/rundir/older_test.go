package rundir

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
)

// A daemon, a hook and `casview` of different versions meet in a run's directory: docs/packaging.md. The files in
// testdata are those of one version each, with every key that it knew. Later versions add folders and change none.
func TestFilesOfOlderVersions(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/v*/*.json")
	if err != nil || len(files) < 5 {
		t.Fatalf("files %q, %v", files, err)
	}
	for _, file := range files {
		t.Run(file, func(t *testing.T) {
			old, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			into := map[string]any{
				specName: &Spec{}, viewName: &View{}, attachName: &Attachment{}, endedName: &Ended{}, "reply.json": &Reply{},
			}[filepath.Base(file)]
			if err := json.Unmarshal(old, into); err != nil {
				t.Fatal(err)
			}
			now, err := json.Marshal(into)
			if err != nil {
				t.Fatal(err)
			}
			wantKept(t, "", keys(t, old), keys(t, now))
		})
	}
}

// A newer version's keys are no errors, and those that it leaves out have no value.
func TestFilesOfNewerVersions(t *testing.T) {
	t.Parallel()
	for _, into := range []any{&Spec{}, &View{}, &Attachment{}, &Ended{}, &Reply{}} {
		if err := json.Unmarshal([]byte(`{"later": {"a": [1]}}`), into); err != nil {
			t.Errorf("%T: %v", into, err)
		}
		if !reflect.ValueOf(into).Elem().IsZero() {
			t.Errorf("%T: %+v", into, into)
		}
	}
}

func keys(t *testing.T, text []byte) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// wantKept fails the test for each key that is not understood any more: it does not come out again with its value.
func wantKept(t *testing.T, below string, old, now map[string]any) {
	t.Helper()
	for _, key := range slices.Sorted(maps.Keys(old)) {
		deep, isMap := old[key].(map[string]any)
		if also, ok := now[key].(map[string]any); isMap && ok {
			wantKept(t, below+key+".", deep, also)
		} else if !reflect.DeepEqual(old[key], now[key]) {
			t.Errorf("%s%s: was %v, is %v", below, key, old[key], now[key])
		}
	}
}

package conformance

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/casview/casview/fsd/result"
)

// The same job has the same result on every driver: what it wrote, changed and deleted, and what it read, listed and looked
// for. Only what a run is called, when it was and how it was served may differ.
func TestTrace(t *testing.T) {
	var first *result.Result
	onEachDriver(t, func(t *testing.T, driver string) {
		r := traceResult(t, driver)
		r.Inputs = slices.DeleteFunc(r.Inputs, func(p result.Path) bool { return slices.Contains(moreInputs(driver), string(p)) })
		traceIsRight(t, r)
		if first == nil {
			first = r
			return
		}
		compareResults(t, r, first)
	})
}

// moreInputs are what a driver looks at although the job has not asked for it.
func moreInputs(driver string) []string {
	if driver == "overlay" {
		// Overlayfs looks up each entry of a directory that is in both layers, to list it with its inode number, and a LOOKUP
		// of an empty file counts as a read: see package view.
		return []string{"lib/empty"}
	}
	return nil
}

func traceResult(t *testing.T, driver string) *result.Result {
	t.Helper()
	m := mountView(t, options{driver: driver, inputs: traceInputs()})
	must(t, runJob(m.Dir, traceJob))
	r := m.End()
	for _, f := range r.HashedFiles {
		if time.Since(time.Unix(f.MtimeSec, 0)) < time.Hour {
			t.Errorf("%q has the time of this run: the job must set it in the end", f.Path)
		}
	}
	return r
}

// compareResults compares all fields of a result with those of the first driver's, but for those that must differ. A field
// that is added is compared, too.
func compareResults(t *testing.T, r, first *result.Result) {
	t.Helper()
	differ := []string{"Run", "Container", "Started", "Ended", "StagingDriver", "StagingReason", "Stats"}
	a, b := reflect.ValueOf(*r), reflect.ValueOf(*first)
	for i := range a.NumField() {
		name := a.Type().Field(i).Name
		if slices.Contains(differ, name) || reflect.DeepEqual(a.Field(i).Interface(), b.Field(i).Interface()) {
			continue
		}
		t.Errorf("%s:\nonly with %s: %s\nonly with %s: %s", name,
			r.StagingDriver, without(a.Field(i), b.Field(i)), first.StagingDriver, without(b.Field(i), a.Field(i)))
	}
	if r.Stats.BytesHashed != first.Stats.BytesHashed {
		t.Errorf("bytes_hashed: %d, with %s %d", r.Stats.BytesHashed, first.StagingDriver, first.Stats.BytesHashed)
	}
}

// without shows what is in a and not in b, which may be lists.
func without(a, b reflect.Value) string {
	if a.Kind() != reflect.Slice {
		return fmt.Sprint(a)
	}
	there := map[string]bool{}
	for i := range b.Len() {
		there[fmt.Sprintf("%+v", b.Index(i))] = true
	}
	var only []string
	for i := range a.Len() {
		if one := fmt.Sprintf("%+v", a.Index(i)); !there[one] {
			only = append(only, one)
		}
	}
	return strings.Join(only, ", ")
}

// traceIsRight says what the job's result must be, so that drivers don't agree on what is wrong.
func traceIsRight(t *testing.T, r *result.Result) {
	t.Helper()
	for _, list := range []struct {
		name string
		got  []result.Path
		want string
	}{
		{"inputs", r.Inputs, "conf/append conf/chmod conf/cut conf/grown conf/linked conf/patch conf/touch lots/01 lots/07 " +
			"move/dir/sub/z move/dir/x move/file src/empty.c src/link src/main.c"},
		{"listed", r.Listed, "again gone/dir gone/dir/sub lib lib/sub lots move/dir src"},
		{"absent", r.Absent, "conf/excluded missing move/dir/new move/renamed src/missing.h"},
		{"modified_inputs", r.ModifiedInputs, "again/same conf/append conf/chmod conf/cut conf/grown conf/linked conf/overwrite " +
			"conf/patch conf/touch conf/truncated gone/file move/over"},
		{"deleted_inputs", r.DeletedInputs, "again/other gone/dir/a gone/dir/sub gone/dir/sub/b move/dir move/dir/sub " +
			"move/dir/sub/z move/dir/x move/dir/y move/empty move/empty/only move/file"},
	} {
		var got []string
		for _, p := range list.got {
			got = append(got, string(p))
		}
		if all := strings.Join(got, " "); all != list.want {
			t.Errorf("%s:\n got %s\nwant %s", list.name, all, list.want)
		}
	}
}

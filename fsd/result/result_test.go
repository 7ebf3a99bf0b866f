package result_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/cas/digest"
	"github.com/casview/casview/fsd/result"
)

var hash = cas.Sum(digest.SHA256, []byte("x"))

func sample() *result.Result {
	at := result.Time{Time: time.Date(2026, 11, 22, 8, 39, 12, 356e6, time.UTC)}
	return &result.Result{
		Schema: result.Schema, Run: "build-17", Container: "6ca2", Status: result.Complete, InputsRoot: hash, Target: "/workspace",
		StagingDriver: "overlay", StagingReason: "auto", Started: at, Ended: at, OutputsRoot: hash,
		HashedFiles: result.Files{
			{Path: "build/latest", Kind: result.Symlink, Target: "foo.o", Mode: 511},
			{Path: "build", Kind: result.Dir, Mode: 493},
			{Path: "build/foo2.o", Kind: result.Hardlink, Target: "build/foo.o", Hash: hash, Size: 1, Mode: 493},
			{Path: "build/foo.o", Kind: result.File, Hash: hash, Size: 1, Mode: 493, MtimeSec: -5, MtimeNsec: 123456789},
			{Path: "build/empty", Kind: result.File, Hash: hash},
		},
		ModifiedInputs: []result.Path{"src/config.h"},
		Inputs:         []result.Path{"a<b>&c", "q\"uo\nte", "bad\xff"},
		Skipped:        []result.Skipped{{Path: "s\xfeck", Type: "socket", Reason: "not a storable type"}},
		Stats:          result.Stats{ReadyMS: 6.1, CollectMS: 12.3, BytesHashed: 1, FuseRequests: map[string]uint64{"lookup": 10}},
	}
}

func encode(t *testing.T, r *result.Result) []byte {
	t.Helper()
	b, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The file as it is documented: keys in order, one member a line, lists never null, nothing escaped that need not be.
func TestEncode(t *testing.T) {
	h := hash.String()
	want := `{
  "schema": "casview.result/v1",
  "run": "build-17",
  "container": "6ca2",
  "status": "complete",
  "errors": [],
  "inputs_root": "` + h + `",
  "target": "/workspace",
  "staging_driver": "overlay",
  "staging_reason": "auto",
  "started": "2026-11-22T08:39:12.356Z",
  "ended": "2026-11-22T08:39:12.356Z",
  "hashed_files": {
    "build": {"type":"dir","mode":493,"mtime_sec":0,"mtime_nsec":0},
    "build/empty": {"type":"file","hash":"` + h + `","size":0,"mode":0,"mtime_sec":0,"mtime_nsec":0},
    "build/foo.o": {"type":"file","hash":"` + h + `","size":1,"mode":493,"mtime_sec":-5,"mtime_nsec":123456789},
    "build/foo2.o": {"type":"hardlink","target":"build/foo.o","hash":"` + h + `","size":1,"mode":493,"mtime_sec":0,"mtime_nsec":0},
    "build/latest": {"type":"symlink","target":"foo.o","mode":511,"mtime_sec":0,"mtime_nsec":0}
  },
  "outputs_root": "` + h + `",
  "modified_inputs": [
    "src/config.h"
  ],
  "deleted_inputs": [],
  "inputs": [
    "a<b>&c",
    "q\"uo\nte",
    {"path_bytes":"YmFk/w=="}
  ],
  "listed": [],
  "absent": [],
  "undeclared": [],
  "skipped": [
    {"path":{"path_bytes":"c/5jaw=="},"type":"socket","reason":"not a storable type"}
  ],
  "stats": {
    "ready_ms": 6.1,
    "collect_ms": 12.3,
    "bytes_hashed": 1,
    "bytes_copied": 0,
    "fuse_requests": {"lookup":10}
  }
}
`
	if got := string(encode(t, sample())); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestRoundTrip(t *testing.T) {
	r := sample()
	b := encode(t, r)
	got, err := result.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if again := encode(t, got); !bytes.Equal(b, again) {
		t.Errorf("got\n%s\nwant\n%s", again, b)
	}
	r.HashedFiles.Sort()
	if !reflect.DeepEqual(got.HashedFiles, r.HashedFiles) || !reflect.DeepEqual(got.Inputs, r.Inputs) {
		t.Errorf("got %+v, want %+v", got, r)
	}
}

// Keys are unique and UTF-8 whatever the paths are; the entry then carries the true bytes.
func TestKeys(t *testing.T) {
	paths := []string{"plain", "ü", "new\nline", `q"uote`, "bad\xff", "bad\xfe", "bad\uef80", "bad\uefff", "a/\x80/b", "\xed\xa0\x80", " ", "<&>"}
	r := &result.Result{Run: "r"}
	for _, p := range paths {
		r.HashedFiles = append(r.HashedFiles, result.Entry{Path: p, Kind: result.Symlink, Target: p + "/target"},
			result.Entry{Path: p + ".f", Kind: result.File, StagingPath: "/upper/" + p})
	}
	b := encode(t, r)
	var keys struct {
		HashedFiles map[string]json.RawMessage `json:"hashed_files"`
	}
	if err := json.Unmarshal(b, &keys); err != nil || len(keys.HashedFiles) != 2*len(paths) {
		t.Fatalf("%d keys, %v", len(keys.HashedFiles), err)
	}
	got, err := result.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range paths {
		if e, ok := got.HashedFiles.Find(p); !ok || e.Path != p || e.Target != p+"/target" {
			t.Errorf("%q: %+v", p, e)
		}
		if e, ok := got.HashedFiles.Find(p + ".f"); !ok || e.StagingPath != "/upper/"+p {
			t.Errorf("%q: %+v", p, e)
		}
	}
	if _, ok := got.HashedFiles.Find("absent"); ok {
		t.Error("found what is not there")
	}
	if i := bytes.Index(b, []byte(`"plain": {"type":"symlink"`)); i < 0 || bytes.Contains(b[i:i+100], []byte("path_bytes")) {
		t.Error("a plain path carries path_bytes")
	}
}

func TestDecodeRefuses(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"empty":             {"", "EOF"},
		"torn":              {string(encode(t, sample())[:300]), "unexpected EOF"},
		"another schema":    {`{"schema": "casview.result/v2"}`, `schema "casview.result/v2"`},
		"no schema":         {`{}`, `schema ""`},
		"bad digest":        {`{"schema": "casview.result/v1", "outputs_root": "md5:00"}`, "md5"},
		"path of no type":   {`{"schema": "casview.result/v1", "inputs": [1]}`, "number"},
		"path bytes":        {`{"schema": "casview.result/v1", "inputs": [{"path_bytes": "?"}]}`, "path_bytes"},
		"files as a list":   {`{"schema": "casview.result/v1", "hashed_files": []}`, "array"},
		"more after it all": {string(encode(t, sample())) + "{}", "after"},
	} {
		if _, err := result.Decode(strings.NewReader(c.in)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDecodeIgnoresUnknownKeys(t *testing.T) {
	if _, err := result.Decode(strings.NewReader(`{"schema": "casview.result/v1", "news": {"a": [1]}}`)); err != nil {
		t.Error(err)
	}
}

func TestEncodeRefusesTimesThatJSONHasNot(t *testing.T) {
	r := sample()
	r.Ended = result.Time{Time: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}
	if _, err := r.Encode(); err == nil {
		t.Error("year 10000 was written")
	}
}

func TestWriteDurable(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "result.json")
	if _, err := result.Read(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("read before it is there: %v", err)
	}
	for _, run := range []string{"first", "second"} {
		r := sample()
		r.Run = run
		if err := result.WriteDurable(path, encode(t, r)); err != nil {
			t.Fatal(err)
		}
		if got, err := result.Read(path); err != nil || got.Run != run {
			t.Errorf("%+v, %v", got, err)
		}
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o600 != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if err := result.WriteDurable(filepath.Join(dir, "none", "result.json"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing directory: %v", err)
	}
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := result.Read(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a torn file: %v", err)
	}
}

// Whatever decodes can be written, and what is written then stays the same.
func FuzzDecode(f *testing.F) {
	r := sample()
	r.HashedFiles = append(r.HashedFiles, result.Entry{Path: "\xff", Kind: result.Symlink, Target: "\xfe"})
	seed, err := r.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add([]byte(`{"schema": "casview.result/v1"}`))
	f.Add([]byte(`{"schema": "casview.result/v1", "hashed_files": {"a": {"path_bytes": "/w=="}, "b": {"path_bytes": "/w=="}}}`))
	f.Add([]byte(`{"schema": "casview.result/v1", "hashed_files": null, "started": "9999-12-31T23:59:59-23:00"}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		r, err := result.Decode(bytes.NewReader(in))
		if err != nil {
			return
		}
		first, err := r.Encode()
		if err != nil {
			return // a time that only its zone keeps in range
		}
		again, err := result.Decode(bytes.NewReader(first))
		if err != nil {
			t.Fatalf("what was written can't be read: %v\n%s", err, first)
		}
		if second := encode(t, again); !bytes.Equal(first, second) {
			t.Fatalf("got\n%s\nwant\n%s", second, first)
		}
	})
}

package ingest

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/cas"
)

func manifest(entries ...string) Options {
	return Options{Visible: strings.NewReader(`{"schema": "casview.inputs/v1", "visible": [` + strings.Join(entries, ",") + `]}`)}
}

func TestVisible(t *testing.T) {
	t.Parallel()
	s, dir := openStore(t), t.TempDir()
	plant(t, dir, 0, map[string]string{
		"a": "alpha", "b": "beta", "hidden": "h", "sub/c": "gamma", "sub/hidden": "h", "link": "-> a", "odd\xff": "odd",
	})
	if err := unix.Chmod(filepath.Join(dir, "b"), 0o751); err != nil {
		t.Fatal(err)
	}
	setMtimes(t, dir, "a", "b", "sub/c", "link", "odd\xff", "sub")
	r := run(t, s, dir, manifest(
		fmt.Sprintf(`{"path": "a", "hash": "%s/5"}`, cas.Sum(cas.SHA256, []byte("alpha"))),
		`{"path": "b"}`,
		`{"path": "sub/c", "mode": 256, "mtime_sec": 7, "mtime_nsec": 8}`,
		`{"path": "link", "type": "symlink", "target": "a"}`,
		`{"path": "sub", "type": "dir"}`,
		`{"path": "out/new", "type": "dir", "mode": 448}`,
		`{"path": "made", "type": "symlink", "target": "b"}`,
		fmt.Sprintf(`{"path_bytes": "%s"}`, base64.StdEncoding.EncodeToString([]byte("odd\xff"))),
	))
	wantList(t, list(t, s, r.Root), []string{
		`"" dir 755 0.0`,
		`"a" file 644 1000.5 = alpha`,
		`"b" file 751 1001.6 = beta`,
		`"link" symlink 777 1003.8 -> a`,
		`"made" symlink 777 0.0 -> b`,
		`"odd\xff" file 644 1004.9 = odd`,
		`"out" dir 755 0.0`,
		`"out/new" dir 700 0.0`,
		`"sub" dir 755 1005.10`,
		`"sub/c" file 400 7.8 = gamma`,
	})
	if r.Hashed != 4 || r.Stats.Files != 4 || len(r.Skipped) != 0 {
		t.Errorf("%+v", r)
	}
	if _, err := s.Size(cas.Sum(cas.SHA256, []byte("h"))); !errors.Is(err, cas.ErrNotFound) {
		t.Errorf("a file that is not listed was stored: %v", err)
	}
}

func TestVisibleErrorsNameTheEntry(t *testing.T) {
	t.Parallel()
	s, base := openStore(t), t.TempDir()
	dir := filepath.Join(base, "dir")
	plant(t, base, 0, map[string]string{"dir/a": "alpha", "dir/link": "-> a", "dir/sub/x": "1", "dir/away": "-> " + base, "secret": "s"})
	if err := unix.Mkfifo(filepath.Join(dir, "pipe"), 0o644); err != nil {
		t.Fatal(err)
	}
	other := cas.Sum(cas.SHA256, []byte("other"))
	for name, tt := range map[string]struct{ entry, want string }{
		"wrong hash":      {fmt.Sprintf(`{"path": "a", "hash": "%s"}`, other), "declared as " + other.String()},
		"wrong size":      {fmt.Sprintf(`{"path": "a", "hash": "%s/4"}`, cas.Sum(cas.SHA256, []byte("alpha"))), "has 5 bytes, declared as 4"},
		"blake3 hash":     {fmt.Sprintf(`{"path": "a", "hash": "%s"}`, cas.Sum(cas.BLAKE3, []byte("alpha"))), "blake3"},
		"missing":         {`{"path": "none"}`, "no such file"},
		"missing parent":  {`{"path": "none/f"}`, "no such file"},
		"below a file":    {`{"path": "a/b"}`, "not a directory"},
		"dir as file":     {`{"path": "sub"}`, "is a dir, declared as file"},
		"file as dir":     {`{"path": "a", "type": "dir"}`, "is a file, declared as dir"},
		"symlink as file": {`{"path": "link"}`, "is a symlink, declared as file"},
		"file as symlink": {`{"path": "a", "type": "symlink", "target": "x"}`, "is a file, declared as symlink"},
		"other target":    {`{"path": "link", "type": "symlink", "target": "b"}`, `links to "a", declared as "b"`},
		"fifo":            {`{"path": "pipe"}`, "is a fifo, declared as file"},
		"through symlink": {`{"path": "away/secret"}`, "a symlink is not followed"},
		"dot dot":         {`{"path": "../secret"}`, ".."},
		"twice":           {`{"path": "sub/x"}`, "duplicate"},
		"bad type":        {`{"path": "a", "type": "socket"}`, "type"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Dir(context.Background(), s, dir, manifest(`{"path": "sub/x"}`, tt.entry))
			if err == nil || !strings.Contains(err.Error(), "entry 2") || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one of entry 2 with %q", err, tt.want)
			}
		})
	}
	if _, err := Dir(context.Background(), s, dir, Options{Visible: strings.NewReader(`{"schema"`)}); err == nil {
		t.Error("half a manifest is taken")
	}
	o := manifest(`{"path": "a"}`, `{"path": "sub/x"}`)
	o.MaxInputs = 1
	if _, err := Dir(context.Background(), s, dir, o); err == nil || !strings.Contains(err.Error(), "policy.max_inputs") {
		t.Errorf("two entries of one: %v", err)
	}
}

func TestVisibleInOwnStore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := cas.OpenLocal(filepath.Join(dir, "store"), cas.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	d, err := s.PutBytes([]byte("blob"))
	if err != nil {
		t.Fatal(err)
	}
	blob := "store/blobs/sha256/" + d.Hex()[:2] + "/" + d.Hex()
	for _, path := range []string{blob, "store"} {
		if _, err := Dir(context.Background(), s, dir, manifest(`{"path": "`+path+`", "type": "dir"}`)); err == nil || !strings.Contains(err.Error(), "own store") {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// Runs over parts of a directory share its index and do not take each other's entries away.
func TestPartsShareTheIndex(t *testing.T) {
	t.Parallel()
	s, dir := openStore(t), t.TempDir()
	plant(t, dir, time.Hour, map[string]string{"a": "1", "b": "2", "c": "3"})
	if err := os.Link(filepath.Join(dir, "a"), filepath.Join(dir, "a-too")); err != nil {
		t.Fatal(err)
	}
	settle()
	run(t, s, dir, manifest(`{"path": "a"}`, `{"path": "a-too"}`))
	run(t, s, dir, manifest(`{"path": "b"}`))
	r := run(t, s, dir, Options{})
	if r.Reused != 3 || r.Hashed != 1 {
		t.Errorf("the whole after two parts: %+v", r)
	}
	wrong := cas.Sum(cas.SHA256, []byte("x"))
	if _, err := Dir(context.Background(), s, dir, manifest(fmt.Sprintf(`{"path": "a", "hash": "%s"}`, wrong))); err == nil {
		t.Error("the given hash of a file known to the index is not checked")
	}
	onlyIndex(t, s)
}

func TestIndexForgets(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	path := indexPath(s, "/some/dir")
	day := 24 * time.Hour
	now := time.Unix(1_700_000_000, 0)
	entry := func(ino uint64, size int64) *found {
		f := &found{id: identity{dev: 1, ino: ino, size: size}, indexed: true}
		f.entry.Digest = cas.Sum(cas.SHA256, []byte{byte(ino), byte(size)})
		return f
	}
	save := func(part bool, now time.Time, paths ...*found) {
		t.Helper()
		if err := loadIndex(path, cas.SHA256).save(cas.Sum(cas.SHA256, nil), paths, part, now); err != nil {
			t.Fatal(err)
		}
	}
	want := func(f *found, present bool) {
		t.Helper()
		d, ok := loadIndex(path, cas.SHA256).find(f.id)
		if ok != present || (present && d != f.entry.Digest) {
			t.Errorf("inode %d: found %v, want %v", f.id.ino, ok, present)
		}
	}
	old, newer, changed := entry(1, 10), entry(2, 20), entry(1, 11)
	save(true, now, old)
	save(true, now.Add(20*day), newer)
	want(old, true)
	want(newer, true)
	save(true, now.Add(40*day), entry(3, 30))
	want(old, false)
	want(newer, true)
	save(true, now.Add(41*day), old)
	save(true, now.Add(41*day), changed)
	want(old, false)
	want(changed, true)
	save(false, now.Add(42*day), entry(4, 40))
	want(changed, false)
	want(newer, false)
	if _, ok := loadIndex(path, cas.BLAKE3).find(entry(4, 40).id); ok {
		t.Error("digests of another algorithm are found")
	}
}

// Whatever is in the file, it is either not used or holds sorted records of the right size.
func FuzzIndex(f *testing.F) {
	root := cas.Sum(cas.SHA256, nil)
	for n := range 3 {
		raw := header(root, n)
		for i := range n {
			raw = record{id: identity{dev: 1, ino: uint64(i)}, digest: root}.append(raw)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		x := &index{alg: cas.SHA256}
		x.parse(append(body, cas.Sum(cas.SHA256, body).Bytes()...))
		for i := range x.len() {
			x.find(x.at(i).id)
		}
		if x.raw == nil && x.len() != 0 {
			t.Error("records of an index that is not used")
		}
	})
}

package tree

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"

	"github.com/casview/casview/cas"
)

const hexA = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb" // sha256 of "a"

func manifest(entries ...string) string {
	return `{"schema": "casview.inputs/v1", "visible": [` + strings.Join(entries, ",\n") + `]}`
}

func readAll(text string, o ManifestOptions) (entries []ManifestEntry, err error) {
	err = ReadManifest(strings.NewReader(text), o, func(n int, e ManifestEntry) error {
		if n != len(entries)+1 {
			return fmt.Errorf("number %d after %d entries", n, len(entries))
		}
		entries = append(entries, e)
		return nil
	})
	return entries, err
}

func TestReadManifest(t *testing.T) {
	for _, c := range []struct {
		name, json string
		want       ManifestEntry
	}{
		{"file", `{"path":"src/a","hash":"sha256:` + hexA + `"}`,
			ManifestEntry{Path: "src/a", Entry: Entry{Name: "a", Digest: digestA, Size: -1, Mode: 0o644}}},
		{"every key of a file", `{"mtime_nsec": 5, "mtime_sec":-1735689600 ,"mode":2541,"hash":"sha256:` + hexA + `/1" , "type":"file", "path":"a" }`,
			ManifestEntry{Path: "a", Entry: Entry{Name: "a", Digest: digestA, Size: 1, Mode: 0o4755, MtimeSec: -1735689600, MtimeNsec: 5}, HasMode: true, HasMtime: true}},
		{"bare hex", `{"path":"a","hash":"` + hexA + `"}`,
			ManifestEntry{Path: "a", Entry: Entry{Name: "a", Digest: digestA, Size: -1, Mode: 0o644}}},
		{"mode 0 and only nanoseconds", `{"path":"a","hash":"` + hexA + `/0","mode":0,"mtime_nsec":999999999}`,
			ManifestEntry{Path: "a", Entry: Entry{Name: "a", Digest: digestA, MtimeNsec: 999999999}, HasMode: true, HasMtime: true}},
		{"dir", `{"path":"out","type":"dir"}`,
			ManifestEntry{Path: "out", Entry: Entry{Name: "out", Kind: Dir, Mode: 0o755}}},
		{"dir with mode", `{"path":"out","type":"dir","mode":448}`,
			ManifestEntry{Path: "out", Entry: Entry{Name: "out", Kind: Dir, Mode: 0o700}, HasMode: true}},
		{"symlink", `{"path":"l","type":"symlink","target":"../x","mode":511}`,
			ManifestEntry{Path: "l", Entry: Entry{Name: "l", Kind: Symlink, Target: "../x", Mode: 0o777}, HasMode: true}},
		{"path_bytes", `{"path_bytes":"YS//","type":"symlink","target_bytes":"gA=="}`,
			ManifestEntry{Path: "a/\xff", Entry: Entry{Name: "\xff", Kind: Symlink, Target: "\x80", Mode: 0o777}}},
		{"escapes", `{"p\u0061th":"\u00e9\/\"\\\n\ud83d\ude00\ufffd","type":"dir"}`,
			ManifestEntry{Path: "é/\"\\\n😀\uFFFD", Entry: Entry{Name: "\"\\\n😀\uFFFD", Kind: Dir, Mode: 0o755}}},
		{"brackets in strings", `{"path":"a]}{,[:","type":"dir"}`,
			ManifestEntry{Path: "a]}{,[:", Entry: Entry{Name: "a]}{,[:", Kind: Dir, Mode: 0o755}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := readAll(manifest(c.json), ManifestOptions{})
			if err != nil || len(got) != 1 || got[0] != c.want {
				t.Errorf("got %+v, %v\nwant %+v", got, err, c.want)
			}
		})
	}
}

func TestReadManifestOrderOfKeys(t *testing.T) {
	for _, text := range []string{
		`{"visible": [{"path":"a","type":"dir"}], "schema": "casview.inputs/v1"}`,
		" {\n\"schema\":\"casview.inputs/v1\"\n,\"visible\":\t[ {\"type\":\"dir\" , \"path\":\"a\"} ] }\n\n",
	} {
		if got, err := readAll(text, ManifestOptions{}); err != nil || len(got) != 1 {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	if got, err := readAll(manifest(), ManifestOptions{}); err != nil || len(got) != 0 {
		t.Errorf("no entries: %+v, %v", got, err)
	}
}

// Each rule of formats.md, by name. The entry is the second of its manifest.
func TestReadManifestRefusesEntry(t *testing.T) {
	const hash = `"hash":"` + hexA + `"`
	type refused struct{ name, json, want string }
	cases := []refused{
		{"not an object", `17`, `entry 2: not a JSON object`},
		{"null", `null`, `entry 2: not a JSON object`},
		{"no path", `{` + hash + `}`, `entry 2: exactly one of path and path_bytes`},
		{"path and path_bytes", `{"path":"a","path_bytes":"YQ==",` + hash + `}`, `exactly one of path and path_bytes`},
		{"path is null", `{"path":null,` + hash + `}`, `entry 2: path: not a string`},
		{"path is a number", `{"path":1,` + hash + `}`, `entry 2: path: not a string`},
		{"path not UTF-8", "{\"path\":\"a\xff\"," + hash + `}`, `entry 2: path: not UTF-8: give it as path_bytes`},
		{"path with half a surrogate pair", `{"path":"a\ud800b",` + hash + `}`, `not UTF-8`},
		{"path with two first halves", `{"path":"\ud800\ud800",` + hash + `}`, `not UTF-8`},
		{"path_bytes absolute", `{"path_bytes":"L2E=",` + hash + `}`, `entry 2 "/a": path is absolute`},
		{"path_bytes not base64", `{"path_bytes":"a!",` + hash + `}`, `path_bytes: not base64`},
		{"path_bytes without padding", `{"path_bytes":"YQ",` + hash + `}`, `path_bytes: not base64`},
		{"unknown key", `{"path":"a","color":"red",` + hash + `}`, `entry 2 "a": unknown key "color"`},
		{"unknown key before the path", `{"color":{"a":["}"]},"path":"a",` + hash + `}`, `entry 2 "a": unknown key "color"`},
		{"key in upper case", `{"Path":"a",` + hash + `}`, `unknown key "Path"`},
		{"duplicate key", `{"path":"a","mode":1,"mode":1,` + hash + `}`, `entry 2 "a": key "mode" comes twice`},
		{"unknown type", `{"path":"a","type":"fifo"}`, `entry 2 "a": unknown type "fifo"`},
		{"empty type", `{"path":"a","type":"",` + hash + `}`, `unknown type ""`},
		{"hash required", `{"path":"a"}`, `entry 2 "a": hash is required for a file`},
		{"hash empty", `{"path":"a","hash":""}`, `entry 2 "a": hash:`},
		{"hash malformed", `{"path":"a","hash":"sha256:12"}`, `entry 2 "a": hash:`},
		{"hash of unknown algorithm", `{"path":"a","hash":"md5:` + hexA + `"}`, `entry 2 "a": hash:`},
		{"hash with bad size", `{"path":"a","hash":"` + hexA + `/-1"}`, `entry 2 "a": hash:`},
		{"hash of a dir", `{"path":"a","type":"dir",` + hash + `}`, `hash is refused for a dir`},
		{"hash of a symlink", `{"path":"a","type":"symlink","target":"b",` + hash + `}`, `hash is refused for a symlink`},
		{"no target", `{"path":"a","type":"symlink"}`, `entry 2 "a": target is required for a symlink`},
		{"empty target", `{"path":"a","type":"symlink","target":""}`, `target is empty`},
		{"NUL in target", `{"path":"a","type":"symlink","target":"a\u0000"}`, `target contains a NUL`},
		{"target over 4095 bytes", `{"path":"a","type":"symlink","target":"` + strings.Repeat("x", 4096) + `"}`, `4096 bytes`},
		{"target and target_bytes", `{"path":"a","type":"symlink","target":"b","target_bytes":"YQ=="}`, `only one of target and target_bytes`},
		{"target of a file", `{"path":"a","target":"b",` + hash + `}`, `target is refused for a file`},
		{"target of a dir", `{"path":"a","type":"dir","target_bytes":"YQ=="}`, `target is refused for a dir`},
		{"target not UTF-8", "{\"path\":\"a\",\"type\":\"symlink\",\"target\":\"\xff\"}", `give it as target_bytes`},
		{"mode negative", `{"path":"a","mode":-1,` + hash + `}`, `mode -1 is not in 0..4095`},
		{"mode with file type", `{"path":"a","mode":33188,` + hash + `}`, `mode 33188 is not in 0..4095`},
		{"mode fractional", `{"path":"a","mode":1.5,` + hash + `}`, `mode: 1.5 is not a whole number`},
		{"mode in text", `{"path":"a","mode":"0644",` + hash + `}`, `is not a whole number`},
		{"mode of a symlink", `{"path":"a","type":"symlink","target":"b","mode":420}`, `a symlink always has 511`},
		{"mtime_sec too large", `{"path":"a","mtime_sec":99999999999999999999,` + hash + `}`, `mtime_sec: 99999999999999999999 is not a whole number`},
		{"mtime_sec after year 9999", `{"path":"a","mtime_sec":253402300800,` + hash + `}`, `years`},
		{"mtime_nsec negative", `{"path":"a","mtime_nsec":-1,` + hash + `}`, `mtime_nsec -1 is not in 0..999999999`},
		{"mtime_nsec too large", `{"path":"a","mtime_nsec":1000000000,` + hash + `}`, `mtime_nsec 1000000000 is not in 0..999999999`},
		{"entry over 1 MiB", `{"path":"` + strings.Repeat("a/", 1<<20) + `",` + hash + `}`, `entry 2: more than 1048576 bytes`},
		{"no comma", `{"path":"a" ` + hash + `}`, `entry 2: invalid character`},
	}
	for _, c := range badPaths {
		escaped := strings.ReplaceAll(c.path, "\x00", `\u0000`)
		want := "entry 2: " + c.want
		if c.path != "" {
			want = fmt.Sprintf("entry 2 %q: path", c.path)
		}
		cases = append(cases, refused{"path: " + c.name, `{"path":"` + escaped + `",` + hash + `}`, want})
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := readAll(manifest(`{"path":"first","type":"dir"}`, c.json), ManifestOptions{})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v; want %q", err, c.want)
			}
			if len(got) != 1 {
				t.Errorf("%d entries before the bad one", len(got))
			}
		})
	}
}

func TestReadManifestRefusesFile(t *testing.T) {
	good := manifest(`{"path":"a","type":"dir"}`)
	for _, c := range []struct{ name, json, want string }{
		{"empty", ``, "truncated"},
		{"not JSON", `schema: x`, "invalid character"},
		{"not an object", `[]`, "not a JSON object"},
		{"no schema", `{"visible":[]}`, `key "schema" is missing`},
		{"no visible", `{"schema":"casview.inputs/v1"}`, `key "visible" is missing`},
		{"other schema", `{"schema":"casview.inputs/v2","visible":[]}`, `schema is "casview.inputs/v2", want "casview.inputs/v1"`},
		{"other schema at the end", `{"visible":[],"schema":"x"}`, `schema is "x"`},
		{"schema is no string", `{"schema":1,"visible":[]}`, `schema is "1"`},
		{"unknown key", `{"schema":"casview.inputs/v1","visible":[],"hidden":[]}`, `unknown key "hidden"`},
		{"duplicate key", `{"schema":"casview.inputs/v1","schema":"casview.inputs/v1","visible":[]}`, `key "schema" comes twice`},
		{"visible twice", `{"schema":"casview.inputs/v1","visible":[],"visible":[]}`, `key "visible" comes twice`},
		{"visible is an object", `{"schema":"casview.inputs/v1","visible":{}}`, `"visible" is not a list`},
		{"visible is null", `{"schema":"casview.inputs/v1","visible":null}`, `"visible" is not a list`},
		{"trailing brace", good + `}`, "follows the manifest's closing brace"},
		{"second document", good + good, "follows the manifest's closing brace"},
		{"trailing text", good + "\nx", "follows the manifest's closing brace"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, err := readAll(c.json, ManifestOptions{}); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%+v, %v; want %q", got, err, c.want)
			}
		})
	}
}

func TestReadManifestTruncated(t *testing.T) {
	whole := manifest(`{"path":"a","type":"dir"}`, `{"path":"\u00e9", "hash":"`+hexA+`", "mode":420}`)
	for n := range whole {
		_, err := readAll(whole[:n], ManifestOptions{})
		if !errors.Is(err, io.ErrUnexpectedEOF) || !strings.Contains(err.Error(), "manifest is truncated") {
			t.Errorf("first %d of %d bytes: %v", n, len(whole), err)
		}
	}
	_, err := readAll(whole[:len(whole)-5], ManifestOptions{})
	if err == nil || !strings.Contains(err.Error(), "entry 2") {
		t.Errorf("cut in the second entry: %v", err)
	}
}

func TestReadManifestReadError(t *testing.T) {
	broken := errors.New("disk on fire")
	r := io.MultiReader(strings.NewReader(`{"visible":[{"path"`), iotest.ErrReader(broken))
	err := ReadManifest(r, ManifestOptions{}, func(int, ManifestEntry) error { return nil })
	if !errors.Is(err, broken) {
		t.Errorf("%v, want %v", err, broken)
	}
}

func TestReadManifestCallbackError(t *testing.T) {
	err := ReadManifest(strings.NewReader(manifest(`{"path":"a","type":"dir"}`)), ManifestOptions{},
		func(int, ManifestEntry) error { return io.ErrUnexpectedEOF })
	if err == nil || err.Error() != `entry 1 "a": unexpected EOF` {
		t.Errorf("%v", err)
	}
}

func TestReadManifestOptions(t *testing.T) {
	three := manifest(`{"path":"a"}`, `{"path":"b"}`, `{"path":"c","hash":"`+hexA+`"}`)
	got, err := readAll(three, ManifestOptions{MaxEntries: 3, HashOptional: true})
	if err != nil || len(got) != 3 || !got[0].Digest.IsZero() || got[0].Size != -1 || got[2].Digest != digestA {
		t.Errorf("without hashes: %+v, %v", got, err)
	}
	_, err = readAll(three, ManifestOptions{MaxEntries: 2, HashOptional: true})
	if err == nil || !strings.Contains(err.Error(), "more than 2 entries") || !strings.Contains(err.Error(), "policy.max_inputs") {
		t.Errorf("over the limit: %v", err)
	}
}

func TestImportManifest(t *testing.T) {
	s := newStore(t)
	put(t, s, "a")
	root, stats, err := ImportManifest(strings.NewReader(manifest(
		`{"path":"src/main.c","type":"file","hash":"sha256:`+hexA+`","mode":420,"mtime_sec":1735689600,"mtime_nsec":5}`,
		`{"path":"src/link.c","type":"symlink","target":"main.c"}`,
		`{"path":"out","type":"dir","mode":448}`,
		`{"path":"src","type":"dir","mode":493}`,
		`{"path_bytes":"/w==","hash":"`+hexA+`/1"}`)), s, 5)
	if err != nil {
		t.Fatal(err)
	}
	want, wantStats := build(t, s,
		input{"src/main.c", Entry{Digest: digestA, Size: 1, Mode: 0o644, MtimeSec: 1735689600, MtimeNsec: 5}},
		link("src/link.c", "main.c"), dir("out", 0o700), dir("src", 0o755),
		input{"\xff", Entry{Digest: digestA, Size: 1, Mode: 0o644}})
	if root != want || stats != wantStats {
		t.Errorf("got %s %+v, want %s %+v", root, stats, want, wantStats)
	}
}

func TestImportManifestRefuses(t *testing.T) {
	s := newStore(t)
	put(t, s, "a")
	const hash = `"hash":"` + hexA + `"`
	aFile, aDir := `{"path":"a",`+hash+`}`, `{"path":"a","type":"dir"}`
	below := `{"path":"a/b",` + hash + `}`
	for _, c := range []struct {
		name    string
		entries []string
		is      error
		want    string
	}{
		{"duplicate", []string{aFile, aFile}, fs.ErrExist, `entry 2 "a": duplicate path`},
		{"duplicate by path_bytes", []string{aFile, `{"path_bytes":"YQ==",` + hash + `}`}, fs.ErrExist, `entry 2 "a": duplicate path`},
		{"duplicate dir", []string{aDir, aDir}, fs.ErrExist, `entry 2 "a": duplicate path`},
		{"duplicate dir after a file in it", []string{below, aDir, aDir}, fs.ErrExist, `entry 3 "a": duplicate path`},
		{"file used as a directory", []string{aFile, below}, syscall.ENOTDIR, `entry 2 "a/b": parent "a" is a file`},
		{"directory used as a file", []string{below, aFile}, fs.ErrExist, `entry 2 "a": another entry uses the path as a directory`},
		{"blob missing", []string{`{"path":"x","hash":"` + digestB.String() + `"}`}, cas.ErrNotFound, `entry 1 "x": blob ` + digestB.String()},
		{"blob missing, size given", []string{`{"path":"x","hash":"` + digestB.String() + `/5"}`}, cas.ErrNotFound, `entry 1 "x": blob ` + digestB.String()},
		{"other size", []string{`{"path":"x","hash":"` + hexA + `/2"}`}, nil, `entry 1 "x": size is 2 in the manifest and 1 in the store`},
		{"other algorithm", []string{`{"path":"x","hash":"` + put(t, openBLAKE3(t, s), "a").String() + `"}`}, nil, `entry 1 "x": hash blake3:`},
		{"too many inputs", []string{aDir, below, `{"path":"a/c","type":"dir"}`, `{"path":"a/d","type":"dir"}`}, nil, `more than 3 entries`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := ImportManifest(strings.NewReader(manifest(c.entries...)), s, 3)
			if err == nil || c.is != nil && !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v; want %q", err, c.want)
			}
		})
	}
}

// openBLAKE3 opens the directory of s as a store that names blobs by BLAKE3.
func openBLAKE3(t *testing.T, s *cas.Local) *cas.Local {
	t.Helper()
	other, err := cas.OpenLocal(s.Dir(), cas.BLAKE3)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { other.Close() })
	return other
}

func FuzzReadManifest(f *testing.F) {
	f.Add([]byte(manifest()))
	f.Add([]byte(manifest(`{"path":"src/a","hash":"sha256:` + hexA + `/1","mode":420,"mtime_sec":1,"mtime_nsec":5}`)))
	f.Add([]byte(manifest(`{"path_bytes":"/w==","type":"symlink","target":"\ud83d\ude00"}`, `{"path":"a","type":"dir"}`)))
	f.Add([]byte(manifest(`{"path":"\ud800","x":{"y":[1,"]"]}}`)))
	f.Fuzz(func(t *testing.T, b []byte) {
		err := ReadManifest(strings.NewReader(string(b)), ManifestOptions{MaxEntries: 100}, func(n int, e ManifestEntry) error {
			if err := CheckPath(e.Path); err != nil {
				t.Errorf("entry %d %q: %v", n, e.Path, err)
			}
			d := Directory{Entries: []Entry{e.Entry}}
			d.Entries[0].Size = max(d.Entries[0].Size, 0)
			if e.Kind == Dir {
				d.Entries[0].Digest = digestA
			}
			if _, err := Decode(d.Encode(), cas.SHA256); err != nil {
				t.Errorf("entry %d %q cannot be stored: %v", n, e.Path, err)
			}
			return nil
		})
		if err != nil && strings.ContainsRune(err.Error(), '\n') {
			t.Errorf("error on several lines: %q", err)
		}
	})
}

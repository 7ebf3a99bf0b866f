package result

import (
	"bytes"
	"testing"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/cas/digest"
)

// What append writes is what encoding/json makes of entryJSON.
func TestAppendIsJSON(t *testing.T) {
	texts := []string{"plain", "", "a/b c", `quo"te\`, "<&>", "tab\t\n\x7f", "\u00e9\u2028", "\xff", "\uef81", "\x00"}
	hash := cas.Sum(digest.SHA256, nil)
	for _, kind := range []Kind{File, Dir, Symlink, Hardlink, "odd"} {
		for _, path := range texts {
			for _, target := range texts {
				for _, staged := range []string{"", "/s\xfe"} {
					for _, h := range []digest.Digest{{}, hash} {
						e := Entry{Path: path, Kind: kind, Target: target, StagingPath: staged, Hash: h,
							Size: 1 << 40, Mode: 0o4755, MtimeSec: -5, MtimeNsec: 999_999_999}
						want, err := marshal(key(path))
						if err != nil {
							t.Fatal(err)
						}
						value, err := marshal(e.toJSON())
						if err != nil {
							t.Fatal(err)
						}
						want = append(append(want, ": "...), value...)
						if got, err := e.append([]byte("x"), ": "); err != nil || !bytes.Equal(got[1:], want) {
							t.Errorf("got  %s, %v\nwant %s", got, err, want)
						}
					}
				}
			}
		}
	}
}

// Files that indent writes look as those that it lays out.
func TestFilesAreIndentedAsTheRest(t *testing.T) {
	for _, files := range []Files{nil, {{Path: "a", Kind: Dir}}, {{Path: "a", Kind: File}, {Path: "b", Kind: Symlink, Target: "\xff"}}} {
		r := &Result{HashedFiles: files}
		flat, err := marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		// Another name, so that it is taken for any other object.
		want, err := indent(bytes.Replace(flat, []byte(`"hashed_files"`), []byte(`"hashed_filez"`), 1), nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := indent(flat, files)
		if err != nil {
			t.Fatal(err)
		}
		if want = bytes.Replace(want, []byte(`"hashed_filez"`), []byte(`"hashed_files"`), 1); !bytes.Equal(got, want) {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
}

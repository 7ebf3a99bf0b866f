package outputs

import (
	"strings"
	"testing"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/cas/materialize"
	"github.com/casview/casview/cas/tree"
	"github.com/casview/casview/fsd/result"
)

func TestItems(t *testing.T) {
	blob := cas.Sum(cas.SHA256, []byte("x"))
	files := result.Files{
		{Path: "a", Kind: result.Hardlink, Target: "d/first", Hash: blob, Size: 1, Mode: 0o640, MtimeSec: 5, MtimeNsec: 6},
		{Path: "d", Kind: result.Dir, Mode: 0o700},
		{Path: "d/first", Kind: result.File, Hash: blob, Size: 1, Mode: 0o640, MtimeSec: 5, MtimeNsec: 6},
		{Path: "d/link", Kind: result.Symlink, Target: "first", Mode: 0o777},
	}
	want := []materialize.Item{
		{Path: "d", Kind: tree.Dir, Mode: 0o700},
		{Path: "d/first", Kind: tree.File, Digest: blob, Mode: 0o640, MtimeSec: 5, MtimeNsec: 6},
		{Path: "d/link", Kind: tree.Symlink, Target: "first", Mode: 0o777},
		{Path: "a", Kind: tree.File, HardlinkTo: "d/first", Digest: blob, Mode: 0o640, MtimeSec: 5, MtimeNsec: 6},
	}
	var got []materialize.Item
	for item, err := range Items(files) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, item)
	}
	if len(got) != len(want) {
		t.Fatalf("got %+v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("item %d: got %+v, want %+v", i, got[i], want[i])
		}
	}
	if n := Bytes(files); n != 1 {
		t.Errorf("Bytes: got %d, want the group counted once", n)
	}
}

func TestItemsOfALaterVersion(t *testing.T) {
	for _, err := range Items(result.Files{{Path: "a", Kind: "reparse"}}) {
		if err == nil || !strings.Contains(err.Error(), `"a": unknown type "reparse"`) {
			t.Errorf("got %v", err)
		}
	}
}

package tree

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/casview/casview/cas"
)

// newLocal is a store on disk, which has room for an index.
func newLocal(t *testing.T) *cas.Local {
	t.Helper()
	s, err := cas.OpenLocal(filepath.Join(t.TempDir(), "store"), cas.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// buildSizes makes a tree of files with the given sizes.
func buildSizes(t *testing.T, s *cas.Local, sizes map[string]int64) cas.Digest {
	t.Helper()
	b := NewBuilder(s)
	for path, size := range sizes {
		e := Entry{Kind: File, Digest: digestB, Size: size, Mode: 0o4751, MtimeSec: -3, MtimeNsec: 999_999_999}
		if err := b.Add(path, e); err != nil {
			t.Fatal(err)
		}
	}
	root, _, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func TestLargeFilesAreFoundAgain(t *testing.T) {
	many := map[string]int64{}
	var largest []string
	for i := range maxLarge + 10 {
		path := fmt.Sprintf("d%03d/f", i)
		many[path] = LargeSize + int64(i)
		if i >= 10 {
			largest = append(largest, path)
		}
	}
	cases := []struct {
		name  string
		sizes map[string]int64
		want  []string
	}{
		{"no files", nil, nil},
		{"small files", map[string]int64{"a": 1, "d/b": LargeSize - 1}, nil},
		{"in the root", map[string]int64{"a": LargeSize}, []string{"a"}},
		{"here and there", map[string]int64{"a b ": LargeSize, "b/c/d\n\xff/e": 1 << 40, "b/c/f": LargeSize, "b/s": 1, "x/y": 2},
			[]string{"a b ", "b/c/d\n\xff/e", "b/c/f"}},
		{"more than an index holds", many, largest},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := newLocal(t)
			var got []string
			for _, f := range LoadLarge(s, buildSizes(t, s, c.sizes)) {
				got = append(got, f.Path)
				want := Entry{Kind: File, Digest: digestB, Size: c.sizes[f.Path], Mode: 0o4751, MtimeSec: -3, MtimeNsec: 999_999_999}
				f.Name = ""
				if f.Entry != want {
					t.Errorf("%q is %+v, want %+v", f.Path, f.Entry, want)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestDamagedLargeIndex shows that no index is better than a wrong one, and that it is made anew.
func TestDamagedLargeIndex(t *testing.T) {
	sizes := map[string]int64{"d/a": LargeSize}
	for _, damage := range []struct {
		name string
		do   func(b []byte) []byte
	}{
		{"nothing", func([]byte) []byte { return nil }},
		{"cut", func(b []byte) []byte { return b[:len(b)-2] }},
		{"zeros", func(b []byte) []byte { return make([]byte, len(b)) }},
		{"another path", func(b []byte) []byte { b[len(b)-2] = 'x'; return b }},
		{"another schema", func(b []byte) []byte { b[0] = 'x'; return b }},
		{"no such fields", func([]byte) []byte { return sealLarge([]byte("a b c\x00")) }},
		{"no such path", func(b []byte) []byte { return sealLarge([]byte(digestB.Hex() + " 1 644 0 0 ../x\x00")) }},
	} {
		t.Run(damage.name, func(t *testing.T) {
			s := newLocal(t)
			root := buildSizes(t, s, sizes)
			path := largePath(s, root)
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, damage.do(raw), 0o600); err != nil {
				t.Fatal(err)
			}
			if got := LoadLarge(s, root); got != nil {
				t.Errorf("got %+v", got)
			}
			if got := LoadLarge(s, buildSizes(t, s, sizes)); len(got) != 1 {
				t.Errorf("made anew: %+v", got)
			}
		})
	}
}

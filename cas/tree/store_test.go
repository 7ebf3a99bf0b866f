package tree

import (
	"testing"

	"github.com/casview/casview/cas"
)

func newStore(t testing.TB) *cas.Local {
	t.Helper()
	s, err := cas.OpenLocal(t.TempDir(), cas.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func put(t testing.TB, s cas.Writer, content string) cas.Digest {
	t.Helper()
	d, err := s.PutBytes([]byte(content))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

type input struct {
	path string
	Entry
}

// build makes a tree of inputs in the order given.
func build(t testing.TB, s Writer, inputs ...input) (cas.Digest, Stats) {
	t.Helper()
	b := NewBuilder(s)
	for _, in := range inputs {
		if err := b.Add(in.path, in.Entry); err != nil {
			t.Fatal(err)
		}
	}
	root, stats, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return root, stats
}

func file(path string) input {
	return input{path, Entry{Digest: digestA, Size: 1, Mode: 0o644, MtimeSec: 9}}
}

func dir(path string, mode uint32) input { return input{path, Entry{Kind: Dir, Mode: mode}} }

func link(path, target string) input { return input{path, Entry{Kind: Symlink, Target: target}} }

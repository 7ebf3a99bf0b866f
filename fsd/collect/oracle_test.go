package collect

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/casview/casview/cas/tree"
	"github.com/casview/casview/fsd/result"
)

// seen is the view as the job left it, looked at through the mount: what a result must amount to.
type seen map[string]sight

type sight struct {
	kind   byte // as find -printf %y: f d l p s c b
	mode   uint32
	mtime  string
	size   int64
	ino    string
	target string
	sum    string
}

func readSeen(t *testing.T, file string) seen {
	t.Helper()
	s := seen{}
	fields := nulFields(t, file)
	for i := 0; i+6 < len(fields); i += 7 {
		f := fields[i : i+7]
		mode, err := strconv.ParseUint(f[2], 8, 32)
		if err != nil {
			t.Fatal(err)
		}
		size, err := strconv.ParseInt(f[4], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		s[f[0]] = sight{kind: f[1][0], mode: uint32(mode), mtime: f[3], size: size, ino: f[5], target: f[6]}
	}
	for _, line := range nulFields(t, file+".sums") {
		if sum, path, ok := strings.Cut(line, "  ./"); ok {
			v := s[path]
			v.sum = sum
			s[path] = v
		}
	}
	return s
}

func nulFields(t *testing.T, file string) []string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(b), "\x00"), "\x00")
}

// mtimeOf reads find's "seconds.nanoseconds0".
func mtimeOf(t *testing.T, s string) (sec int64, nsec int32) {
	t.Helper()
	whole, part, _ := strings.Cut(s, ".")
	sec, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.ParseInt(part[:9], 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	return sec, int32(n)
}

// check compares a result without globs with the view: the inputs, without the deleted ones, with the outputs put over
// them, are exactly what the job left.
func (j *job) check(s seen, r *result.Result) {
	j.t.Helper()
	declared := map[string]tree.Entry{}
	modes := map[string]uint32{}
	j.must(tree.Walk(j.store, r.InputsRoot, func(p string, e tree.Entry, d *tree.Directory) error {
		if p != "" {
			declared[p] = e
			if d != nil {
				modes[p] = d.Mode
			}
		}
		return nil
	}))
	modified, deleted := set(strs(r.ModifiedInputs)), set(strs(r.DeletedInputs))
	skipped := map[string]bool{}
	for _, sk := range r.Skipped {
		skipped[string(sk.Path)] = true
	}
	for p := range declared {
		if _, exists := s[p]; exists == deleted[p] {
			j.t.Errorf("%q: exists %v, deleted_inputs says %v", p, exists, deleted[p])
		}
	}
	for p := range modified {
		if _, ok := declared[p]; !ok {
			j.t.Errorf("%q is in modified_inputs and was not declared", p)
		}
	}
	for p, v := range s {
		e, listed := r.HashedFiles.Find(p)
		in, wasDeclared := declared[p]
		switch {
		case listed:
			j.checkEntry(e, v)
			if wasDeclared && (e.Kind != result.Dir || in.Kind != tree.Dir || modes[p] != e.Mode) && !modified[p] {
				j.t.Errorf("%q is an output, an input, and not in modified_inputs", p)
			}
		case skipped[p]:
		case !wasDeclared:
			j.t.Errorf("%q is neither output nor input", p)
		case in.Kind == tree.File && v.sum != in.Digest.Hex(), in.Kind == tree.File && v.mode != in.Mode,
			in.Kind == tree.Dir && v.kind != 'd', in.Kind == tree.Dir && v.mode != modes[p],
			in.Kind == tree.Symlink && v.target != in.Target:
			j.t.Errorf("%q is not an output and not the input it was: %+v", p, v)
		}
	}
	for _, e := range r.HashedFiles {
		if _, ok := s[e.Path]; !ok {
			j.t.Errorf("%q is an output and does not exist", e.Path)
		}
	}
	j.checkLinks(s, r.HashedFiles)
	j.checkRoot(r)
}

func (j *job) checkEntry(e result.Entry, v sight) {
	j.t.Helper()
	sec, nsec := mtimeOf(j.t, v.mtime)
	ok := e.MtimeSec == sec && e.MtimeNsec == nsec && e.Mode == v.mode
	switch e.Kind {
	case result.File, result.Hardlink:
		ok = ok && v.kind == 'f' && e.Size == v.size && e.Hash.Hex() == v.sum
		if err := j.store.Verify(e.Hash); err != nil {
			j.t.Errorf("%q: %v", e.Path, err)
		}
	case result.Symlink:
		ok = ok && v.kind == 'l' && e.Target == v.target
	case result.Dir:
		ok = ok && v.kind == 'd'
	}
	if !ok {
		j.t.Errorf("%q is listed as %+v, but is %+v", e.Path, e, v)
	}
}

// checkLinks requires that names of one inode are one file with hardlinks, the first in order being the file.
func (j *job) checkLinks(s seen, files result.Files) {
	j.t.Helper()
	first := map[string]string{}
	for _, e := range files {
		if e.Kind != result.File && e.Kind != result.Hardlink {
			continue
		}
		ino := s[e.Path].ino
		target, known := first[ino]
		switch {
		case !known && e.Kind != result.File:
			j.t.Errorf("%q is a hardlink of %q, but is the first name", e.Path, e.Target)
		case known && (e.Kind != result.Hardlink || e.Target != target):
			j.t.Errorf("%q is another name of %q, but is a %s of %q", e.Path, target, e.Kind, e.Target)
		}
		if !known {
			first[ino] = e.Path
		}
	}
}

// checkRoot requires that outputs_root holds the outputs, and nothing else but parents.
func (j *job) checkRoot(r *result.Result) {
	j.t.Helper()
	found := 0
	j.must(tree.Walk(j.store, r.OutputsRoot, func(p string, e tree.Entry, d *tree.Directory) error {
		out, ok := r.HashedFiles.Find(p)
		if !ok {
			if p != "" && e.Kind != tree.Dir {
				j.t.Errorf("%q is in outputs_root and no output", p)
			}
			return nil
		}
		found++
		if d != nil {
			e.Mode, e.MtimeSec, e.MtimeNsec = d.Mode, d.MtimeSec, d.MtimeNsec
			e.Digest, e.Size = out.Hash, out.Size
		}
		want := treeEntry(out)
		want.Name = e.Name
		if want.Kind == tree.File {
			want.Target = ""
		}
		if e != want {
			j.t.Errorf("%q is %+v in outputs_root, want %+v", p, e, want)
		}
		return nil
	}))
	if found != len(r.HashedFiles) {
		j.t.Errorf("outputs_root holds %d of %d outputs", found, len(r.HashedFiles))
	}
}

func set(list []string) map[string]bool {
	m := map[string]bool{}
	for _, s := range list {
		m[s] = true
	}
	return m
}

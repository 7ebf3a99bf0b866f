package collect

import (
	"testing"
)

// lowerTree is what the jobs below start from.
const lowerTree = `
	mkdir -p src/sub/deep empty keep
	printf a >src/a.c; printf b >src/b.h; printf s >src/sub/s.c; printf d >src/sub/deep/d.c; printf k >keep/k
	ln -s a.c src/link; chmod 0755 src/a.c; chmod 0750 keep
	find . -exec touch -h -d @1000000000.123456789 {} +`

// Each job's outputs are listed exactly; check compares them with the view besides.
func TestOutputs(t *testing.T) { testOutputs(t, newJob) }

func testOutputs(t *testing.T, newJob func(t *testing.T, lower string) *job) {
	moved := func(dir string) []string { // src, renamed
		return []string{
			"dir 0755 " + dir, "file 0755 " + dir + "/a.c = a", "file 0644 " + dir + "/b.h = b",
			"symlink 0777 " + dir + "/link -> a.c", "dir 0755 " + dir + "/sub", "dir 0755 " + dir + "/sub/deep",
			"file 0644 " + dir + "/sub/deep/d.c = d", "file 0644 " + dir + "/sub/s.c = s",
		}
	}
	src := []string{"src", "src/a.c", "src/b.h", "src/link", "src/sub", "src/sub/deep", "src/sub/deep/d.c", "src/sub/s.c"}
	for name, c := range map[string]struct {
		job                      string
		files, modified, deleted []string
	}{
		"nothing": {job: "cat src/a.c"},
		"new files": {
			job:   "mkdir -p out/x; printf 1 >out/x/1; chmod 0600 out/x/1; printf 2 >src/2; chmod 4755 src/2; : >empty/zero",
			files: []string{"file 0644 empty/zero = ", "dir 0755 out", "dir 0755 out/x", "file 0600 out/x/1 = 1", "file 4755 src/2 = 2"},
		},
		"input written": {
			job: "printf more >>src/a.c; printf new >src/b.h", modified: []string{"src/a.c", "src/b.h"},
			files: []string{"file 0755 src/a.c = amore", "file 0644 src/b.h = new"},
		},
		"input opened for writing":  {job: ": >>src/b.h", modified: []string{"src/b.h"}, files: []string{"file 0644 src/b.h = b"}},
		"input chmod":               {job: "chmod 600 src/a.c", modified: []string{"src/a.c"}, files: []string{"file 0600 src/a.c = a"}},
		"input dir chmod":           {job: "chmod 700 src", modified: []string{"src"}, files: []string{"dir 0700 src"}},
		"input dir touched":         {job: "touch src keep"},
		"input dir gained and lost": {job: ": >src/tmp; rm src/tmp"},
		"input symlink replaced":    {job: "ln -sfn b.h src/link", modified: []string{"src/link"}, files: []string{"symlink 0777 src/link -> b.h"}},
		"input deleted":             {job: "rm src/a.c src/link", deleted: []string{"src/a.c", "src/link"}},
		"input dir deleted":         {job: "rm -r src empty", deleted: append([]string{"empty"}, src...)},
		"deleted and made again": {
			job: "rm src/a.c; printf A >src/a.c", modified: []string{"src/a.c"}, files: []string{"file 0644 src/a.c = A"},
		},
		"opaque dir": {
			job:      "rm -rf src; mkdir src; printf A >src/a.c; printf N >src/new; mkdir src/sub",
			files:    []string{"dir 0755 src", "file 0644 src/a.c = A", "file 0644 src/new = N", "dir 0755 src/sub"},
			modified: []string{"src/a.c"},
			deleted:  []string{"src/b.h", "src/link", "src/sub/deep", "src/sub/deep/d.c", "src/sub/s.c"},
		},
		"opaque dir with another mode": {
			job: "rm -rf empty; mkdir -m 0700 empty", files: []string{"dir 0700 empty"}, modified: []string{"empty"},
		},
		"file to dir": {
			job: "rm src/a.c; mkdir src/a.c; printf x >src/a.c/x", modified: []string{"src/a.c"},
			files: []string{"dir 0755 src/a.c", "file 0644 src/a.c/x = x"},
		},
		"dir to file": {
			job: "rm -rf src/sub; printf x >src/sub", modified: []string{"src/sub"},
			files: []string{"file 0644 src/sub = x"}, deleted: []string{"src/sub/deep", "src/sub/deep/d.c", "src/sub/s.c"},
		},
		"symlink swapped for dir": {
			job: "rm src/link; mkdir src/link; printf x >src/link/x", modified: []string{"src/link"},
			files: []string{"dir 0755 src/link", "file 0644 src/link/x = x"},
		},
		"symlink swapped for dir and back": {
			job:      "rm src/link; mkdir src/link; : >src/link/x; rm -r src/link; ln -s a.c src/link",
			modified: []string{"src/link"}, files: []string{"symlink 0777 src/link -> a.c"},
		},
		"dir swapped for symlink": {
			job: "rm -r empty; ln -s src empty", modified: []string{"empty"}, files: []string{"symlink 0777 empty -> src"},
		},
		"renamed file": {
			job: "mv src/a.c src/z.c", deleted: []string{"src/a.c"}, files: []string{"file 0755 src/z.c = a"},
		},
		"renamed over": {
			job: "mv src/a.c src/b.h", deleted: []string{"src/a.c"}, modified: []string{"src/b.h"}, files: []string{"file 0755 src/b.h = a"},
		},
		"symlinks": {
			job:   `mkdir l; ln -s nowhere l/dangling; ln -s /etc/passwd l/absolute; ln -s ../src l/dir; ln -s . l/self`,
			files: []string{"dir 0755 l", "symlink 0777 l/absolute -> /etc/passwd", "symlink 0777 l/dangling -> nowhere", "symlink 0777 l/dir -> ../src", "symlink 0777 l/self -> ."},
		},
		"hardlinks": {
			job: "mkdir h; printf 1 >h/c; ln h/c h/b; ln h/b h/a; ln h/c src/z; printf 2 >h/x",
			files: []string{"dir 0755 h", "file 0644 h/a = 1", "hardlink 0644 h/b -> h/a", "hardlink 0644 h/c -> h/a", "file 0644 h/x = 2",
				"hardlink 0644 src/z -> h/a"},
		},
		"hardlink chain without its first name": {
			job:   "mkdir h; printf 1 >h/1; ln h/1 h/2; ln h/2 h/3; rm h/1",
			files: []string{"dir 0755 h", "file 0644 h/2 = 1", "hardlink 0644 h/3 -> h/2"},
		},
		"one name left of a hardlink": {
			job: "printf 1 >x; ln x y; rm x", files: []string{"file 0644 y = 1"},
		},
		"hardlink of an input": {
			job: "ln src/a.c src/z.c", modified: []string{"src/a.c"},
			files: []string{"file 0755 src/a.c = a", "hardlink 0755 src/z.c -> src/a.c"},
		},
		"renamed dir": {job: "mv src new", deleted: src, files: moved("new")},
		"renamed dir below a new dir": {
			job: "mkdir n; mv src n/src", deleted: src, files: append([]string{"dir 0755 n"}, moved("n/src")...),
		},
		"renamed dir back": {job: "mv src x; mv x src"},
		"renamed dir with changes": {
			job: "mv src new; rm new/b.h; printf A >new/a.c; printf N >new/sub/n; rm -r new/sub/deep; mkdir new/sub/deep; chmod 0711 new", deleted: src,
			files: []string{"dir 0711 new", "file 0755 new/a.c = A", "symlink 0777 new/link -> a.c", "dir 0755 new/sub", "dir 0755 new/sub/deep",
				"file 0644 new/sub/n = N", "file 0644 new/sub/s.c = s"},
		},
		"nested renames": {
			job: "mv src new; mv new/sub new/bus; mv new/bus/deep keep/deep", deleted: src,
			files: []string{"dir 0755 keep/deep", "file 0644 keep/deep/d.c = d", "dir 0755 new", "file 0755 new/a.c = a", "file 0644 new/b.h = b",
				"dir 0755 new/bus", "file 0644 new/bus/s.c = s", "symlink 0777 new/link -> a.c"},
		},
		"renamed in the same dir inside a renamed dir": {
			job: "mv src/sub src/bus; mv src new", deleted: src,
			files: []string{"dir 0755 new", "file 0755 new/a.c = a", "file 0644 new/b.h = b", "dir 0755 new/bus", "dir 0755 new/bus/deep",
				"file 0644 new/bus/deep/d.c = d", "file 0644 new/bus/s.c = s", "symlink 0777 new/link -> a.c"},
		},
		"inner dir back in its place under a new parent": {
			job: "mv src x; mkdir src; mv x/sub src/sub; rm -r x", files: []string{"dir 0755 src"},
			deleted: []string{"src/a.c", "src/b.h", "src/link"},
		},
		"dirs exchanged": {
			job:     "mv src x; mv keep src; mv x keep",
			deleted: append([]string{"keep/k"}, src[1:]...),
			files: append(moved("keep"),
				"dir 0750 src", "file 0644 src/k = k"),
			modified: []string{"keep", "src"},
		},
		"renamed over an empty input dir": {
			job: "mv -T src empty", deleted: src, files: moved("empty"),
		},
		"renamed dir and a new dir in its place": {
			job: "mv src/sub sub; mkdir src/sub; printf S >src/sub/s.c", deleted: []string{"src/sub/deep", "src/sub/deep/d.c"},
			modified: []string{"src/sub/s.c"},
			files: []string{"dir 0755 src/sub", "file 0644 src/sub/s.c = S", "dir 0755 sub", "dir 0755 sub/deep", "file 0644 sub/deep/d.c = d",
				"file 0644 sub/s.c = s"},
		},
		"modes without any permission": {
			job:   "printf 0 >zero; mkdir d; printf 1 >d/1; ln d/1 d/2; chmod 0 zero d/1 d",
			files: []string{"dir 0000 d", "file 0000 d/1 = 1", "hardlink 0000 d/2 -> d/1", "file 0000 zero = 0"},
		},
		"mtimes": {
			job:   "mkdir d; : >d/old; : >d/future; touch -d @-5.25 d/old; touch -d @9000000000.000000001 d/future; touch -d @7 d; ln -s x s; touch -h -d @3.5 s",
			files: []string{"dir 0755 d", "file 0644 d/future = ", "file 0644 d/old = ", "symlink 0777 s -> x"},
		},
		"same content twice": {
			job: "printf same >x; printf same >y; cp src/a.c z", files: []string{"file 0644 x = same", "file 0644 y = same", "file 0755 z = a"},
		},
		"names": {
			job:   `: >"$(printf 'a\nb')"; : >'q"u'"'"'o'; : >"$(printf 'bad\377')"; : >' '; : >'\\'; : >'<&>'`,
			files: []string{"file 0644   = ", "file 0644 <&> = ", "file 0644 \\\\ = ", "file 0644 a\nb = ", "file 0644 bad\xff = ", "file 0644 q\"u'o = "},
		},
	} {
		t.Run(name, func(t *testing.T) {
			j := newJob(t, lowerTree)
			r := j.complete(j.work(c.job))
			equal(t, "hashed_files", j.lines(r.HashedFiles), c.files)
			equal(t, "modified_inputs", strs(r.ModifiedInputs), c.modified)
			equal(t, "deleted_inputs", strs(r.DeletedInputs), c.deleted)
		})
	}
}

package conformance

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A name has 255 bytes at most, for every call that takes one.
func TestTrapLongName(t *testing.T) {
	long, tooLong := strings.Repeat("n", 255), strings.Repeat("n", 256)
	umlauts := strings.Repeat("ü", 127) + "n" // 255 bytes
	in := inputs{
		"file": {content: "x"}, "dir/file": {content: "x"}, "dir/" + long: {content: "long"},
		"dir/" + umlauts: {content: "ü"},
	}
	onEachPlace(t, in, func(t *testing.T, p *place) {
		h := p.hand(t, root)
		h.ok("mkdir", "new", "0755")
		h.ok("put", "new/file", "x")
		h.says("long", "content", "dir/"+long)
		h.says("ü", "content", "dir/"+umlauts)
		for _, dir := range []string{"dir/", "new/", ""} {
			for _, call := range callsWithName("file", dir+tooLong) {
				h.fails(unix.ENAMETOOLONG, call...)
			}
			for _, call := range callsWithName("file", dir+strings.Repeat("ü", 128)) {
				h.fails(unix.ENAMETOOLONG, call...)
			}
			other := dir + "m" + long[1:]
			h.ok("mkdir", other, "0755")
			h.ok("rmdir", other)
			h.ok("put", other, "x")
			h.ok("link", other, dir+"l"+long[1:])
			h.ok("rename", other, dir+"r"+long[1:])
			h.ok("symlink", long, dir+"s"+long[1:])
			h.ok("mkfifo", dir+"f"+long[1:], "0600")
			h.ok("unlink", dir+"f"+long[1:])
			h.fails(unix.ENOENT, "stat", other)
		}
		h.ok("put", "dir/"+long, "written")
		h.ok("rename", "dir/"+long, "dir/"+umlauts)
		h.says("written", "content", "dir/"+umlauts)
		if p.view != nil {
			if _, ok := p.result().HashedFiles.Find("dir/" + umlauts); !ok {
				t.Error("the longest name is not in the result")
			}
		}
	})
}

// callsWithName are all calls that take a name, which need not be there.
func callsWithName(existing, name string) [][]string {
	return [][]string{
		{"open", "f", name, "O_RDONLY"}, {"open", "f", name, "O_RDWR|O_CREAT", "0644"},
		{"open", "f", name, "O_RDWR|O_CREAT|O_EXCL", "0644"},
		{"open", "f", name + "/below", "O_RDONLY"}, {"open", "f", name, "O_PATH"},
		{"open", "f", name, "O_RDWR|O_TMPFILE", "0644"},
		{"mkdir", name, "0755"}, {"rmdir", name}, {"unlink", name}, {"mkfifo", name, "0644"},
		{"symlink", "target", name}, {"readlink", name}, {"link", existing, name}, {"link", name, "other"},
		{"rename", existing, name}, {"rename", name, "other"}, {"noreplace", existing, name}, {"exchange", existing, name},
		{"exchange", name, existing},
		{"stat", name}, {"access", name, "0"}, {"chmod", name, "0644"}, {"chown", name, "0", "0"}, {"truncate", name, "0"},
		{"touch", name, "now"},
		{"setxattr", name, "user.x", "v"}, {"getxattr", name, "user.x"}, {"listxattr", name}, {"removexattr", name, "user.x"},
		{"chdir", name}, {"list", name}, {"statfs", name},
	}
}

// A symlink's target has 4095 bytes at most.
func TestTrapLongTarget(t *testing.T) {
	longest := strings.Repeat("0123456/", 511) + "0123456"
	in := inputs{"input": {symlink: longest}}
	onEachPlace(t, in, func(t *testing.T, p *place) {
		h := p.hand(t, root)
		h.says(longest, "readlink", "input")
		h.ok("symlink", longest, "new")
		h.says(longest, "readlink", "new")
		h.says("4095", "stat", "new", "size")
		h.says("4095", "stat", "input", "size")
		h.fails(unix.ENAMETOOLONG, "symlink", longest+"x", "longer")
		h.fails(unix.ENOENT, "symlink", "", "empty")
		h.ok("rename", "input", "moved")
		p.wantResult(t, []string{"moved -> " + longest, "new -> " + longest}, "input")
	})
}

// Who walks down by chdir gets deeper than any path can name.
func TestTrapDeepPath(t *testing.T) {
	const levels = 30
	name := strings.Repeat("d", 250)
	deep := strings.Repeat(name+"/", levels)
	onEachPlace(t, inputs{name + "/input": {content: "x"}}, func(t *testing.T, p *place) {
		h := p.hand(t, root)
		h.fails(unix.ENAMETOOLONG, "stat", deep+"file")
		h.fails(unix.ENAMETOOLONG, "mkdir", deep, "0755")
		for i := range levels {
			if i > 0 {
				h.ok("mkdir", name, "0755")
			}
			h.ok("chdir", name)
		}
		h.ok("put", "file", "deep")
		h.ok("put", "gone", "x")
		h.ok("rename", "file", "moved")
		h.ok("link", "moved", "linked")
		h.says("gone linked moved", "list", ".")
		h.says("2 4", "stat", "moved", "nlink", "size")
		h.ok("unlink", "gone")
		for range levels - 1 {
			h.ok("chdir", "..")
		}
		h.says(name+" input", "list", ".")
		outputs := []string{deep + "linked: deep", deep + "moved = " + deep + "linked"}
		for i := 2; i <= levels; i++ {
			outputs = append(outputs, strings.Repeat(name+"/", i))
		}
		p.wantResult(t, outputs)
	})
}

// A name is bytes: what is not UTF-8, or special to a shell, is as good as any other.
func TestTrapOddNames(t *testing.T) {
	names := []string{
		"new\nline", "\xff\xfe", "a\xc3", "ünï", "u\u0308", " ", "...", "-r", "*", "\x01\x7f", `back\slash`, "\ufffd",
	}
	in := inputs{}
	for i, name := range names {
		in["in/"+name] = input{content: fmt.Sprint(i)}
	}
	onEachPlace(t, in, func(t *testing.T, p *place) {
		h := p.hand(t, root)
		h.ok("mkdir", "new", "0755")
		var outputs, deleted []string
		for i, name := range names {
			h.says(fmt.Sprint(i), "content", "in/"+name)
			h.ok("put", "new/"+name, "new")
			h.ok("rename", "in/"+name, "in/moved"+name)
			h.fails(unix.ENOENT, "stat", "in/"+name)
			outputs = append(outputs, "new/"+name+": new", fmt.Sprintf("in/moved%s: %d", name, i))
			deleted = append(deleted, "in/"+name)
		}
		if got := len(strings.Split(h.ok("list", "new"), " ")); got < len(names) {
			t.Errorf("%d names are listed", got)
		}
		p.wantResult(t, append(outputs, "new/"), deleted...)
	})
}

package conformance

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// traceInputs are what traceJob works on.
func traceInputs() inputs {
	in := inputs{
		"src/empty.c":     {content: ""},
		"src/main.c":      {content: "int main;\n"},
		"src/unread.c":    {content: "unread\n"},
		"src/tool":        {content: "#!/bin/sh\n", mode: 0o755},
		"src/link":        {symlink: "main.c"},
		"lib/empty":       {content: ""},
		"lib/a":           {content: "a"},
		"lib/sub/b":       {content: "b"},
		"lib/sub/empty":   {content: ""},
		"conf/truncated":  {content: "old content"},
		"conf/overwrite":  {content: "old content"},
		"conf/append":     {content: "first line\n"},
		"conf/patch":      {content: strings.Repeat("0123456789abcdef", 1024)},
		"conf/cut":        {content: strings.Repeat("0123456789abcdef", 1024)},
		"conf/chmod":      {content: "mode"},
		"conf/touch":      {content: "time"},
		"conf/linked":     {content: "linked"},
		"conf/grown":      {content: ""},
		"move/file":       {content: "file"},
		"move/over":       {content: "is replaced"},
		"move/dir/x":      {content: "x"},
		"move/dir/y":      {content: "y"},
		"move/dir/sub/z":  {content: "z"},
		"move/empty/only": {content: "only"},
		"gone/file":       {content: "file"},
		"gone/dir/a":      {content: "a"},
		"gone/dir/sub/b":  {content: "b"},
		"again/same":      {content: "same"},
		"again/other":     {content: "other"},
		"quiet/never":     {content: "never"},
		"quiet/sub/never": {content: "never"},
	}
	for i := range 40 {
		in[fmt.Sprintf("lots/%02d", i)] = input{content: strings.Repeat("x", i%3)}
	}
	return in
}

// traceJob does everything that the trace and the lists of a result are about. A line is what is done, the paths, and after
// a "!" the error that it must have. In the end it sets the times of what it has changed, so that two runs of it leave the
// same tree.
const traceJob = `
read src/main.c
read src/main.c
stat src/unread.c
stat src/empty.c
read src/missing.h ! ENOENT
read missing/missing.h ! ENOENT
stat src/main.c/below ! ENOTDIR
read src/link
readlink src/link
stat src/tool
list lib
list lib/sub
list missing ! ENOENT
list lots
read lots/01
read lots/07

write conf/truncated
write conf/overwrite
append conf/append
patch conf/patch
cut conf/cut
chmod conf/chmod
touch conf/touch
append conf/grown
link conf/linked conf/second
append conf/second
write conf/new
read conf/new
write conf/excluded/new ! ENOENT

write lib/new
list lib

rename move/file move/renamed
read move/file ! ENOENT
rename move/renamed move/over
rename move/dir moved
read moved/x
read moved/sub/z
list moved
read move/dir/x ! ENOENT
write moved/new
remove moved/y
rename moved/sub move/up
append move/up/z
rename move/empty src ! ENOTEMPTY
mkdir move/target
rename move/empty move/target

remove gone/file
remove gone/file ! ENOENT
rmdir gone/dir ! ENOTEMPTY
removeAll gone/dir
mkdir gone/dir
list gone/dir
read gone/dir/a ! ENOENT
write gone/dir/new
mkdir gone/file

removeAll again
mkdir again
write again/same
list again
mkdir made
write made/new
symlink made/new made/link
rename made/new made/newer
remove made/newer
mkdir made/nothing
rmdir made/nothing

touch conf/truncated conf/overwrite conf/append conf/patch conf/cut conf/chmod conf/grown conf/second conf/new conf
touch lib/new lib move/over moved/new moved move/up/z move/up move/target move gone/dir/new gone/dir gone/file gone
touch again/same again made/link made src .
`

// runJob does a job's lines in a directory.
func runJob(dir, job string) error {
	for line := range strings.Lines(job) {
		want := ""
		if before, errno, ok := strings.Cut(line, "!"); ok {
			line, want = before, strings.TrimSpace(errno)
		}
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		var paths []string
		for _, word := range words[1:] {
			paths = append(paths, filepath.Join(dir, word))
		}
		got := ""
		if err := jobStep(words, paths); err != nil {
			errno, _ := err.(unix.Errno)
			got = unix.ErrnoName(errno)
		}
		if got != want {
			return fmt.Errorf("%s: error %q, want %q", strings.TrimSpace(line), got, want)
		}
	}
	return nil
}

func jobStep(words, paths []string) error {
	at, second := paths[0], paths[len(paths)-1]
	switch words[0] {
	case "read":
		return readAt(at)
	case "stat":
		_, err := statPath(at, noFollow, viewStat)
		return err
	case "readlink":
		_, err := unix.Readlink(at, make([]byte, 100))
		return err
	case "list":
		_, err := listDir(at)
		return err
	case "write":
		return writeAt(at, unix.O_CREAT|unix.O_TRUNC)
	case "append":
		return writeAt(at, unix.O_APPEND)
	case "patch":
		return writeAt(at, 0)
	case "cut":
		return unix.Truncate(at, 5)
	case "chmod":
		return unix.Chmod(at, 0o600)
	case "link":
		return unix.Link(at, second)
	case "symlink":
		return unix.Symlink(words[1], second)
	case "rename":
		return unix.Rename(at, second)
	case "remove":
		return unix.Unlink(at)
	case "mkdir":
		return unix.Mkdir(at, 0o755)
	case "rmdir":
		return unix.Rmdir(at)
	case "removeAll":
		return removeAll(at, new(int))
	case "touch":
		return touchAll(paths)
	}
	return fmt.Errorf("%s: no such step: %w", words[0], os.ErrInvalid)
}

func touchAll(paths []string) error {
	times := []unix.Timespec{{Sec: 1_234_567_890, Nsec: 5}, {Sec: 1_234_567_890, Nsec: 6}}
	for _, path := range paths {
		if err := unix.UtimesNanoAt(unix.AT_FDCWD, path, times, noFollow); err != nil {
			return err
		}
	}
	return nil
}

func writeAt(path string, flags int) error {
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_CLOEXEC|flags, 0o644)
	if err != nil {
		return err
	}
	_, err = unix.Write(fd, []byte("written by the job\n"))
	if closed := unix.Close(fd); err == nil {
		err = closed
	}
	return err
}

func readAt(path string) error {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	buf := make([]byte, 1<<20)
	_, err = unix.Read(fd, buf)
	return err
}

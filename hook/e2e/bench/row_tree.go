package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/casview/casview/hook/e2e/bench/inside"
)

// treeRow does with a real source tree what people do with those.
func treeRow() row {
	return row{
		number: 7, name: "untar and git", columns: drivers(), peers: true, warm: true,
		measures: []measure{
			{step: "untar", what: "untar of the Go standard library's sources", limit: upTo(1.1, 3)},
			{step: "git status, first", what: "git status in them, first time", limit: upTo(1.1, 3)},
			{step: "git status", what: "git status in them, again", limit: upTo(1.1, 3)},
			{step: "git checkout", what: "git checkout of a branch that changes 2,000 files", limit: upTo(1.1, 3)},
			{step: "git checkout back", what: "git checkout of the branch before", limit: upTo(1.1, 3)},
		},
		prepare: func(ctx context.Context, b *bench) (trial, error) {
			var want string
			in, err := b.tree(ctx, "git", b.fillGit)
			if err == nil {
				want, err = inside.OfTree(b.path("untarred"))
			}
			git := func(step, want string, args ...string) inside.Task {
				args = append([]string{"git"}, args...)
				return inside.Task{Command: &inside.Command{Step: step, Dir: "repository", Args: args, Want: &want}}
			}
			found := map[string]string{"untarred": want}
			try := b.inContainers(job{inputs: in, tools: true, notes: found, tasks: []inside.Task{
				{Command: &inside.Command{Args: []string{"mkdir", "untarred"}}},
				{Command: &inside.Command{Step: "untar", Args: []string{"tar", "-xf", "tree.tar", "-C", "untarred"}}},
				{Digest: &inside.Digest{Note: "untarred", Dir: "untarred"}},
				git("git status, first", "", "status", "--porcelain"),
				git("git status", "", "status", "--porcelain"),
				git("git checkout", "", "checkout", "--quiet", changedBranch),
				git("", "", "status", "--porcelain"),
				git("", changedBranch, "rev-parse", "--abbrev-ref", "HEAD"),
				git("git checkout back", "", "checkout", "--quiet", "main"),
				git("", "", "status", "--porcelain"),
			}})
			return try, err
		},
	}
}

const changedBranch = "changed"

// fillGit makes tree.tar and repository, both of the same sources, and beside the inputs a directory of what tree.tar
// holds.
func (b *bench) fillGit(ctx context.Context, dir string) error {
	goroot, err := output(exec.CommandContext(ctx, "go", "env", "GOROOT"))
	if err != nil {
		return err
	}
	sources := filepath.Join(goroot, "src")
	if b.quick {
		sources = filepath.Join(sources, "net")
	}
	untarred, repository := b.path("untarred"), filepath.Join(dir, "repository")
	for _, args := range [][]string{
		{"tar", "-C", sources, "--exclude=./cmd", "--owner=0", "--group=0", "-cf", filepath.Join(dir, "tree.tar"), "."},
		{"mkdir", untarred},
		{"tar", "-xf", filepath.Join(dir, "tree.tar"), "-C", untarred},
		{"cp", "-r", untarred, repository},
	} {
		if _, err := output(exec.CommandContext(ctx, args[0], args[1:]...)); err != nil {
			return err
		}
	}
	return makeRepository(ctx, repository, b.sized(2000, 100))
}

// makeRepository puts a tree under git, with a branch on which so many files are changed.
//
// Git takes a file for unchanged if its index has the file's attributes. Inode numbers and the time of the last change of
// attributes never outlive a copy of the tree, so git is told not to look at them, as is usual where trees are moved.
func makeRepository(ctx context.Context, dir string, changed int) error {
	git := func(args ...string) error {
		args = append([]string{"-c", "user.name=bench", "-c", "user.email=bench@localhost"}, args...)
		cmd := exec.CommandContext(ctx, "git", args...)
		cmd.Dir = dir
		_, err := output(cmd)
		return err
	}
	do := []func() error{
		func() error { return git("init", "--quiet", "--initial-branch=main") },
		func() error { return git("config", "core.checkStat", "minimal") },
		func() error { return git("config", "core.trustctime", "false") },
		func() error { return git("config", "gc.auto", "0") },
		func() error { return git("add", "--all") },
		func() error { return git("commit", "--quiet", "--message=sources") },
		func() error { return git("checkout", "--quiet", "-b", changedBranch) },
		func() error { return change(dir, changed) },
		func() error { return git("commit", "--quiet", "--all", "--message=changed") },
		func() error { return git("checkout", "--quiet", "main") },
		func() error { return git("repack", "-a", "-d", "--quiet") },
		// Files as old as the index are read again by each git status, since they may have changed within the same second.
		func() error { return makeOlder(dir) },
		func() error { return git("update-index", "-q", "--refresh") },
		func() error { return git("status", "--porcelain") },
	}
	for _, step := range do {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// change appends a line to so many files.
func change(dir string, files int) error {
	paths, err := regularFiles(dir)
	if err != nil {
		return err
	}
	if len(paths) < files {
		return fmt.Errorf("there are only %d files to change", len(paths))
	}
	for i := range files {
		f, err := os.OpenFile(paths[i*len(paths)/files], os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			return err
		}
		_, err = f.WriteString("\n// changed\n")
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	return nil
}

// makeOlder takes an hour from the times of all files.
func makeOlder(dir string) error {
	paths, err := regularFiles(dir)
	if err != nil {
		return err
	}
	before := time.Now().Add(-time.Hour)
	for _, p := range paths {
		if err := os.Chtimes(p, before, before); err != nil {
			return err
		}
	}
	return nil
}

// regularFiles lists a work tree without git's own directory.
func regularFiles(dir string) ([]string, error) {
	var all []string
	err := filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && e.Name() == ".git":
			return fs.SkipDir
		case e.Type().IsRegular():
			all = append(all, p)
		}
		return nil
	})
	return all, err
}

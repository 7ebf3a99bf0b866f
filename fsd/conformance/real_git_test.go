package conformance

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// git keeps what it writes under names made of hashes, links files, maps packs, renames over locks, and looks at inodes
// and times to see what has changed. The same work gives the same commit everywhere.
func TestRealGit(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip(err)
	}
	in := inputs{"work/run.sh": {content: "#!/bin/sh\n", mode: 0o755}, "work/link": {symlink: "src/0"}}
	for i := range 40 {
		in[fmt.Sprintf("work/src/%d", i)] = input{content: strings.Repeat(fmt.Sprintf("line of file %d\n", i), 50*i)}
	}
	want := ""
	onEachPlace(t, in, func(t *testing.T, p *place) {
		got := gitSession(t, p)
		if want == "" {
			want = got // the host's, if it was not left out
		}
		if got != want {
			t.Errorf("commits\n%s\nexpected\n%s", got, want)
		}
	})
}

// gitSession commits, branches, merges, collects garbage and clones, and returns the history.
func gitSession(t *testing.T, p *place) string {
	t.Helper()
	work, clone, bare := p.path("work"), p.path("clone"), p.path("bare.git")
	git(t, work, "init", "-q", "-b", "main")
	git(t, work, "add", ".")
	git(t, work, "commit", "-q", "-m", "inputs")
	for i := range 12 {
		must(t, appendTo(filepath.Join(work, "src", fmt.Sprint(i)), "more\n"))
		name := filepath.Join(work, "src", fmt.Sprint("new", i))
		must(t, os.WriteFile(name, []byte(strings.Repeat("new\n", 1000*i)), 0o644))
		git(t, work, "add", "-A")
		git(t, work, "commit", "-q", "-m", fmt.Sprint("change ", i))
	}
	wantClean(t, work)
	git(t, work, "checkout", "-q", "-b", "side", "HEAD~5")
	must(t, os.Rename(filepath.Join(work, "src"), filepath.Join(work, "moved")))
	must(t, os.Remove(filepath.Join(work, "moved/30")))
	git(t, work, "add", "-A")
	git(t, work, "commit", "-q", "-m", "moved")
	git(t, work, "checkout", "-q", "main")
	git(t, work, "-c", "merge.directoryRenames=true", "merge", "-q", "-m", "merge", "side")
	wantClean(t, work)
	git(t, work, "gc", "-q", "--aggressive", "--prune=now")
	git(t, work, "fsck", "--strict", "--full")

	git(t, p.dir, "clone", "-q", work, clone) // hard links of the pack
	git(t, clone, "checkout", "-q", "side")
	must(t, appendTo(filepath.Join(clone, "run.sh"), "echo cloned\n"))
	git(t, clone, "commit", "-q", "-a", "-m", "in the clone")
	git(t, clone, "push", "-q", "origin", "side")
	git(t, p.dir, "clone", "-q", "--bare", "file://"+work, bare) // through a pipe
	git(t, bare, "repack", "-a", "-d", "-q")
	for _, repository := range []string{work, clone, bare} {
		git(t, repository, "fsck", "--strict", "--full")
	}
	git(t, work, "stash", "list")
	git(t, work, "worktree", "add", "-q", p.path("tree"), "side")
	wantClean(t, p.path("tree"))
	p.forget(t)
	wantClean(t, work)
	return git(t, bare, "log", "--all", "--format=%H %T %s")
}

func wantClean(t *testing.T, work string) {
	t.Helper()
	if status := git(t, work, "status", "--porcelain"); status != "" {
		t.Errorf("%s:\n%s", work, status)
	}
}

// git runs a command with times, names and configuration that are the same everywhere.
func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "LC_ALL=C",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.org", "GIT_AUTHOR_DATE=1000000000 +0000",
		"GIT_COMMITTER_NAME=c", "GIT_COMMITTER_EMAIL=c@example.org", "GIT_COMMITTER_DATE=1000000000 +0000")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

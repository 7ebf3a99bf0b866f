package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// shell runs a command line with $casview, in a pipe or on a terminal of its own.
func (s site) shell(terminal bool, line string) string {
	s.t.Helper()
	line = strings.ReplaceAll(line, "$casview", program(s.t)+" --config "+s.config)
	argv := []string{"sh", "-c", line}
	if terminal {
		if _, err := exec.LookPath("script"); err != nil {
			s.t.Skip("needs script(1) of util-linux for a terminal")
		}
		argv = []string{"script", "-qec", "stty cols 120; " + line, os.DevNull}
	}
	out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		s.t.Fatalf("%s: %v\n%s", line, err, out)
	}
	return string(out)
}

func someMegabytes(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"a", "b", "c"} {
		f := filepath.Join(dir, name)
		write(t, f, name)
		if err := os.Truncate(f, 40<<20); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestProgressOnATerminal(t *testing.T) {
	bar := regexp.MustCompile(`% \|.*\(.*/120 MiB.*\) \[.*\]`)
	s, dir := newSite(t), someMegabytes(t)
	out := s.shell(true, "$casview ingest "+dir+" >/dev/null")
	if !bar.MatchString(out) {
		t.Errorf("no bar in %q", out)
	}
	// The bar is gone in the end.
	if last := out[strings.LastIndex(strings.TrimRight(out, "\r"), "\r")+1:]; strings.TrimSpace(last) != "" {
		t.Errorf("left on the screen: %q", last)
	}
	out = s.shell(true, "$casview materialize "+s.ingest(dir)+" "+filepath.Join(t.TempDir(), "out"))
	if !bar.MatchString(out) {
		t.Errorf("no bar in %q", out)
	}
}

func TestNoProgressInAPipe(t *testing.T) {
	s, dir := newSite(t), someMegabytes(t)
	if out := s.shell(false, "$casview ingest "+dir+" 2>&1 >/dev/null | cat"); out != "" {
		t.Errorf("stderr: %q", out)
	}
	// The answer is only the digest, also when somebody watches on a terminal.
	want := s.ingest(dir)
	if out := s.shell(true, `root=$($casview ingest `+dir+` 2>/dev/null); echo "[$root]"`); strings.TrimSpace(out) != "["+want+"]" {
		t.Errorf("got %q", out)
	}
}

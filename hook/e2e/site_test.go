package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/casview/casview/fsd/result"
	"github.com/casview/casview/fsd/rundir"
)

// site is one installation of casview for one user: a configuration and a state directory.
type site struct {
	dir, config, state string // config is "" for the one that casview finds by itself
	uid                int
	env                []string
	staging            staging // what results must say
	always             setup   // what the engine cannot do without
}

// setup changes the configuration of a site; the lines are appended to the table of that name.
type setup map[string]string

// newSite makes a site. Its state directory does not exist yet.
func newSite(t *testing.T, uid int, with setup) *site {
	t.Helper()
	needHost(t)
	dir, err := os.MkdirTemp(shared.dir, "s")
	must(t, err)
	must(t, os.Chmod(dir, 0o755))
	s := &site{dir: dir, config: filepath.Join(dir, "config.toml"), state: filepath.Join(dir, "state"), uid: uid, staging: onOverlay}
	s.env = append(os.Environ(), "HOME="+dir)
	s.configure(t, with)
	chownTree(t, dir, uid)
	t.Cleanup(func() {
		s.noProcesses(t)
		s.noMounts(t)
		must(t, os.RemoveAll(dir))
	})
	return s
}

// configure writes the configuration anew.
func (s *site) configure(t *testing.T, with setup) {
	t.Helper()
	tables := setup{
		"":        fmt.Sprintf("state = %q\n", s.state),
		"collect": "timeout = \"30s\"\n",
		"log":     "level = \"debug\"\n",
	}
	for name, lines := range s.always {
		tables[name] += lines + "\n"
	}
	for name, lines := range with {
		tables[name] = s.always[name] + lines + "\n"
	}
	text := tables[""]
	for name, lines := range tables {
		if name != "" {
			text += "[" + name + "]\n" + lines
		}
	}
	must(t, os.WriteFile(s.config, []byte(text), 0o644))
}

// command is one of casview's programs, as the site's user would start it.
func (s *site) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(shared.bin, program), args...)
	s.become(cmd)
	return cmd
}

// become lets a command run as the site's user.
func (s *site) become(cmd *exec.Cmd) {
	cmd.Env = append(s.env, cmd.Env...)
	if s.uid != 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(s.uid), Gid: uint32(s.uid)}}
	}
}

// casview runs the CLI with the site's configuration.
func (s *site) casview(t *testing.T, args ...string) outcome {
	t.Helper()
	if s.config != "" {
		args = append([]string{"--config", s.config}, args...)
	}
	return run(t, s.command("casview", args...))
}

// ingest stores a directory and returns its root digest.
func (s *site) ingest(t *testing.T, dir string) string {
	t.Helper()
	o := s.casview(t, "ingest", dir)
	if o.code != 0 {
		t.Fatalf("casview ingest: exit %d: %s", o.code, o.stderr)
	}
	return strings.TrimSpace(o.stdout)
}

// store stores files given in place.
func (s *site) store(t *testing.T, files ...file) string {
	t.Helper()
	dir, err := os.MkdirTemp(s.dir, "in")
	must(t, err)
	must(t, os.Chmod(dir, 0o755))
	writeFiles(t, dir, files)
	chownTree(t, dir, s.uid)
	return s.ingest(t, dir)
}

// result waits for a run's result.
func (s *site) result(t *testing.T, run string) *result.Result {
	t.Helper()
	var r *result.Result
	eventually(t, func() (err error) {
		r, err = result.Read(filepath.Join(s.runDir(run), "result.json"))
		return err
	})
	s.staging.check(t, r)
	return r
}

// complete waits for a result that has everything.
func (s *site) complete(t *testing.T, run string) *result.Result {
	t.Helper()
	r := s.result(t, run)
	if r.Status != result.Complete || len(r.Errors) != 0 {
		t.Errorf("run %s: status %s, errors %q; expected a complete result", run, r.Status, r.Errors)
	}
	return r
}

func (s *site) runDir(run string) string { return filepath.Join(s.state, "runs", run) }

// open opens a run's directory.
func (s *site) open(t *testing.T, run string) *rundir.Dir {
	t.Helper()
	d, err := rundir.OpenPath(s.runDir(run))
	must(t, err)
	return d
}

// log is what the run logged, for messages of failed tests.
func (s *site) log(run string) string {
	b, _ := os.ReadFile(filepath.Join(s.runDir(run), "log"))
	return string(b)
}

// file is an input.
type file struct {
	path, content string
	mode          os.FileMode // 0 is 0644, or 0755 for a directory
	mtime         time.Time
	symlink       string
	dir           bool
}

func writeFiles(t *testing.T, dir string, files []file) {
	t.Helper()
	for _, f := range files {
		p := filepath.Join(dir, f.path)
		must(t, os.MkdirAll(filepath.Dir(p), 0o755))
		switch {
		case f.symlink != "":
			must(t, os.Symlink(f.symlink, p))
			continue
		case f.dir:
			must(t, os.MkdirAll(p, 0o755))
		default:
			must(t, os.WriteFile(p, []byte(f.content), 0o644))
		}
		if f.mode != 0 {
			must(t, os.Chmod(p, f.mode))
		}
		if !f.mtime.IsZero() {
			must(t, os.Chtimes(p, f.mtime, f.mtime))
		}
	}
}

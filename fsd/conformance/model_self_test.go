package conformance

import (
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/cas/tree"
)

// sabotages are what a bad driver could do after a step that went well: the view is changed behind the model's back. They
// go by what the model test must say then.
func sabotages() map[string]func(view *world, s *step) error {
	only := func(op string, do func(view *world, s *step) error) func(*world, *step) error {
		return func(view *world, s *step) error {
			if s.op.name != op {
				return nil
			}
			return do(view, s)
		}
	}
	return map[string]func(view *world, s *step) error{
		"content|data": only("pwrite", func(view *world, s *step) error {
			_, err := unix.Pwrite(view.fd(s.fd), make([]byte, s.n), s.off)
			return err
		}),
		"mode": only("rename", func(view *world, s *step) error { return unix.Chmod(view.at(s.path2), 0o123) }),
		"owner": only("chmod", func(view *world, s *step) error {
			return errors.Join(unix.Chown(view.at(s.path), 7, 7), unix.Chmod(view.at(s.path), s.mode))
		}),
		"mtime":  only("append", func(view *world, s *step) error { return touchAll([]string{view.at(s.path)}) }),
		"size":   only("truncate", func(view *world, s *step) error { return unix.Truncate(view.at(s.path), s.off+1) }),
		"xattrs": only("setxattr", func(view *world, s *step) error { return unix.Lremovexattr(view.at(s.path), s.name) }),
		"only":   only("mkdir", func(view *world, s *step) error { return unix.Mkdir(view.at(s.path+"/more"), 0o755) }),
		"not in": only("symlink", func(view *world, s *step) error { return unix.Unlink(view.at(s.path2)) }),
		"link count": only("link", func(view *world, s *step) error {
			content, err := os.ReadFile(view.at(s.path2))
			return errors.Join(err, unix.Unlink(view.at(s.path2)), os.WriteFile(view.at(s.path2), content, 0o644))
		}),
		"inode number|fd.: link count|names of one inode": only("append", func(view *world, s *step) error {
			path := view.at(s.path)
			file, err := statPath(path, 0, viewStat)
			if err != nil || file.Links > 1 || s.n == 0 {
				return err
			}
			if attrs, err := userXattrs(path); err != nil || attrs != "" {
				return err
			}
			dir, err := statPath(parent(path), 0, viewStat)
			if err != nil {
				return err
			}
			content, err := os.ReadFile(path)
			return errors.Join(err, os.WriteFile(path+"x", content, 0o644), unix.Chmod(path+"x", file.Mode&0o7777),
				unix.Chown(path+"x", int(file.UID), int(file.GID)), unix.Rename(path+"x", path),
				setTime(parent(path), tree.Entry{MtimeSec: dir.Sec, MtimeNsec: int32(dir.Nsec)}))
		}),
	}
}

// The model test finds a difference wherever there is one, and the steps that it takes.
func TestModelFindsDifferences(t *testing.T) {
	needMounts(t)
	const tries = 60
	o := options{driver: "overlay"}
	for what, sabotage := range sabotages() {
		t.Run(what, func(t *testing.T) {
			bad := exception{repair: func(p *pair, s *step, o outcome) bool {
				if o.errno == 0 {
					_ = sabotage(p.view, s) // it does not always work
				}
				return false
			}}
			place := newField(t, o, tries)
			place.also = []exception{bad}
			var failed *failure
			for i := 0; i < tries && failed == nil; i++ {
				_, failed = place.runSeed(i, uint64(i+1))
			}
			if failed == nil {
				t.Fatal("not found")
			}
			short := shrink(t, o, failed, bad)
			if !regexp.MustCompile(what).MatchString(short.problem) || len(short.steps) > 3 {
				t.Errorf("shrunk to %s", short)
			}
		})
	}
}

// A listing while things change is judged by what was there.
func TestReadingRules(t *testing.T) {
	rules := &reading{always: map[string]uint64{"stays": 1}, ever: map[string]bool{"stays": true, "came": true}}
	for listed, want := range map[string]string{
		"stays":             "",
		"stays came":        "",
		"came stays came":   "",
		"came":              `"stays" was there all the time and is listed 0 times`,
		"stays came stays":  `"stays" was there all the time and is listed 2 times`,
		"stays other other": `"other" was never there and is listed`,
	} {
		r := &reading{}
		for _, name := range strings.Fields(listed) {
			r.got = append(r.got, dirent{name: name})
		}
		if got := r.wrong(rules); got != want {
			t.Errorf("%s: %q, want %q", listed, got, want)
		}
	}
}

package config

import (
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/bmatcuk/doublestar/v4"
)

const maxWorkers = 1024

// Check reports the first value that cannot be used, as `key: what is wrong`. It looks at nothing
// but c: no file is touched.
func (c Config) Check() error {
	checks := []struct {
		key string
		err error
	}{
		{"state", checkState(c.State)},
		{"store.digest", oneOf(c.Store.Digest, "sha256", "blake3")},
		{"store.verify", oneOf(c.Store.Verify, "insert", "first-read")},
		{"view.allowed_targets", checkGlobs(c.View.AllowedTargets)},
		{"view.target", checkTarget(c.View)},
		{"view.owner", oneOf(c.View.Owner, "job", "root")},
		{"staging.driver", oneOf(c.Staging.Driver, "auto", "overlay", "fuse")},
		{"staging.data", oneOf(c.Staging.Data, "cached", "passthrough")},
		{"collect.workers", between(c.Collect.Workers, 0, maxWorkers)},
		{"collect.special_files", oneOf(c.Collect.SpecialFiles, "skip", "fail")},
		{"collect.timeout", checkTimeout(c.Collect.Timeout)},
		{"gc.grace", checkGrace(c.GC.Grace)},
		{"gc.keep_results", checkKeep(c.GC.KeepResults)},
		{"policy.max_inputs", atLeast(c.Policy.MaxInputs, 1)},
		{"runtime.path", checkRuntime(c.Runtime.Path)},
		{"remote.url", checkRemote(c.Remote.URL)},
		{"log.level", oneOf(c.Log.Level, "debug", "info", "warn", "error")},
	}
	for _, k := range checks {
		if k.err != nil {
			return &problem{key: toml.Key(strings.Split(k.key, ".")), reason: k.err.Error()}
		}
	}
	return nil
}

func oneOf(value string, known ...string) error {
	if slices.Contains(known, value) {
		return nil
	}
	return fmt.Errorf("%q is not one of %s", value, strings.Join(known, ", "))
}

func between(value, low, high int) error {
	if value < low || value > high {
		return fmt.Errorf("%d is not between %d and %d", value, low, high)
	}
	return nil
}

func atLeast(value, low int) error {
	if value < low {
		return fmt.Errorf("%d is less than %d", value, low)
	}
	return nil
}

func checkState(dir string) error {
	switch {
	case dir == "":
		return errors.New("is empty: name a folder (this user has no known home for the default)")
	case !filepath.IsAbs(dir):
		return fmt.Errorf("%q is not an absolute path", dir)
	case strings.ContainsRune(dir, 0):
		return fmt.Errorf("%q holds a NUL byte", dir)
	case filepath.Clean(dir) == "/":
		return fmt.Errorf("%q is the root folder: name a folder of casview's own", dir)
	}
	return nil
}

func checkGlobs(globs []string) error {
	for _, g := range globs {
		switch {
		case !strings.HasPrefix(g, "/"):
			return fmt.Errorf("%q does not start with /", g)
		case !doublestar.ValidatePattern(g):
			return fmt.Errorf("%q is not a valid glob", g)
		}
	}
	return nil
}

// checkTarget asks the policy as well: a default that the policy refuses would fail every container
// that does not name a target.
func checkTarget(v View) error {
	if !cleanTarget(v.Target) {
		return fmt.Errorf("%q is not a clean absolute path below /", v.Target)
	}
	if !v.TargetAllowed(v.Target) {
		return fmt.Errorf("%q is not in view.allowed_targets", v.Target)
	}
	return nil
}

func checkTimeout(d Duration) error {
	if d.Duration <= 0 {
		return fmt.Errorf("%q is not above zero", d.Duration)
	}
	return nil
}

// minGrace is above the hour by which the store may take a blob for older than it is, and above the time that an ingest or a
// collection takes.
const minGrace = 2 * time.Hour

func checkGrace(d Duration) error {
	if d.Duration < minGrace {
		return fmt.Errorf("%q is less than %.0fh", d.Duration, minGrace.Hours())
	}
	return nil
}

func checkKeep(d Duration) error {
	if d.Duration < 0 {
		return fmt.Errorf("%q is below zero", d.Duration)
	}
	return nil
}

func checkRuntime(path string) error {
	switch {
	case path == "":
		return nil
	case !filepath.IsAbs(path):
		return fmt.Errorf("%q is not an absolute path: leave it empty to find runc or crun", path)
	case strings.ContainsRune(path, 0):
		return fmt.Errorf("%q holds a NUL byte", path)
	}
	return nil
}

func checkRemote(url string) error {
	if url != "" {
		return fmt.Errorf("%q: this version has no remote store: leave it empty", url)
	}
	return nil
}

// TargetAllowed tells whether a container may have its view at target: a clean absolute path other
// than "/" that one of v.AllowedTargets matches whole.
func (v View) TargetAllowed(target string) bool {
	if !cleanTarget(target) {
		return false
	}
	return slices.ContainsFunc(v.AllowedTargets, func(glob string) bool {
		ok, err := doublestar.Match(glob, target)
		return ok && err == nil
	})
}

func cleanTarget(target string) bool {
	return strings.HasPrefix(target, "/") && target != "/" &&
		path.Clean(target) == target && !strings.ContainsRune(target, 0)
}

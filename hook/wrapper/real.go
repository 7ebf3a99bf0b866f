package wrapper

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Name is casview-runtime's file name.
const Name = "casview-runtime"

// usualFolders are looked at after PATH: engines have one that lacks some of them, or none.
const usualFolders = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// realRuntime is the runtime to pass on to: the configured one, or the first of runc and crun in the folders of PATH.
// casview-runtime under another name, by which it may stand before runc for all engines, is passed over.
func realRuntime(configured, path string) (string, error) {
	if configured != "" {
		if itself(configured) {
			return "", fmt.Errorf("runtime %s (runtime.path): is casview-runtime itself", configured)
		}
		return configured, nil
	}
	for _, folders := range []string{path, usualFolders} {
		for _, name := range []string{"runc", "crun"} {
			if found, ok := lookFor(name, folders); ok {
				return found, nil
			}
		}
	}
	return "", fmt.Errorf("neither runc nor crun is in %s or %s: install one, or set runtime.path", path, usualFolders)
}

func lookFor(name, folders string) (string, bool) {
	for _, dir := range filepath.SplitList(folders) {
		if !filepath.IsAbs(dir) {
			continue // a bundle may be the working directory
		}
		file := filepath.Join(dir, name)
		info, err := os.Stat(file)
		if err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0 && !itself(file) {
			return file, true
		}
	}
	return "", false
}

// itself tells whether a file is casview-runtime, be it a link or a copy.
func itself(file string) bool {
	resolved, err := filepath.EvalSymlinks(file)
	if err != nil {
		return false
	}
	if filepath.Base(resolved) == Name {
		return true
	}
	theirs, err := os.Stat(resolved)
	if err != nil {
		return false
	}
	ours, err := os.Stat("/proc/self/exe")
	return err == nil && os.SameFile(ours, theirs)
}

// explain says what a failed execve(2) of the runtime means.
func explain(runtime string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("runtime %s: %w: install it, or set runtime.path", runtime, err)
	}
	return fmt.Errorf("runtime %s: %w", runtime, err)
}

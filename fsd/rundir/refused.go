package rundir

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// mostRefusals is how many are remembered: a service that is restarted again and again must not fill the disk.
const mostRefusals = 256

// Refuse remembers why a container got no view, under the name that its run would have had. A hook says so on stderr as
// well, but crun gives its hooks none, and podman then shows an exit code only.
func (r *Runs) Refuse(key RunKey, why string) error {
	if err := os.MkdirAll(r.refused, 0o700); err != nil {
		return err
	}
	if err := r.forgetOldRefusals(); err != nil {
		return err
	}
	file := filepath.Join(r.refused, string(key))
	tmp := filepath.Join(r.refused, "."+string(key)+"."+NewNonce())
	if err := os.WriteFile(tmp, []byte(why+"\n"), 0o600); err != nil {
		return errors.Join(err, os.Remove(tmp))
	}
	return os.Rename(tmp, file)
}

// Refusal says why and when the last container of this name got no view; fs.ErrNotExist when none was refused since the last
// one that got its view.
func (r *Runs) Refusal(key RunKey) (why string, when time.Time, err error) {
	file := filepath.Join(r.refused, string(key))
	info, err := os.Stat(file)
	if err != nil {
		return "", time.Time{}, err
	}
	b, err := os.ReadFile(file)
	return strings.TrimSpace(string(b)), info.ModTime(), err
}

func (r *Runs) forgetRefusal(key RunKey) error {
	err := os.Remove(filepath.Join(r.refused, string(key)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// forgetOldRefusals makes room for one more.
func (r *Runs) forgetOldRefusals() error {
	entries, err := os.ReadDir(r.refused)
	if err != nil || len(entries) < mostRefusals {
		return err
	}
	age := map[string]time.Time{}
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			age[e.Name()] = info.ModTime()
		}
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return age[a.Name()].Compare(age[b.Name()]) })
	for _, e := range entries[:len(entries)-mostRefusals+1] {
		if err := os.Remove(filepath.Join(r.refused, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

package cas

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/landlock-lsm/go-landlock/landlock"
)

// confinedProcess uses a store after it gave up everything but the store and the staging tree, as fsd does.
func confinedProcess(dir string) error {
	s, err := OpenLocal(filepath.Join(dir, "store"), SHA256)
	if err != nil {
		return err
	}
	defer s.Close()
	staging, err := os.Open(filepath.Join(dir, "staging"))
	if err != nil {
		return err
	}
	defer staging.Close()
	rules := landlock.RWDirs(s.Dir(), staging.Name()).WithRefer()
	if err := landlock.V2.RestrictPaths(rules); err != nil {
		return fmt.Errorf("no landlock: %w", err)
	}
	if _, err := os.ReadFile(filepath.Join(dir, "secret")); !errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("not confined: %w", err)
	}
	large := bytes.Repeat([]byte("large"), copyBuffer)
	d, _, err := s.Put(bytes.NewReader(large))
	if err != nil {
		return err
	}
	if err := s.Verify(d); err != nil {
		return err
	}
	a, err := s.Adopt(staging, "out", Sum(SHA256, []byte("output")), AdoptMove)
	if err != nil || !a.Moved {
		return fmt.Errorf("adopt: %+v, %w", a, err)
	}
	return s.Sync()
}

func TestStoreUnderLandlock(t *testing.T) {
	dir := t.TempDir()
	out := staging(t, dir, []byte("output"))
	if err := os.WriteFile(filepath.Join(dir, "secret"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	cmd, stderr := process(t, "confined", dir)
	if err := cmd.Run(); err != nil {
		if strings.HasPrefix(stderr.String(), "no landlock: ") {
			t.Skip(stderr)
		}
		t.Fatalf("%v: %s", err, stderr)
	}
	wantGone(t, out)
}

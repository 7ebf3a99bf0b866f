package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/fsd/result"
)

func sha256Hex(content string) string {
	sum := sha256.Sum256([]byte(content))
	return hex.EncodeToString(sum[:])
}

// blob is the file of a digest in the site's store.
func (s *site) blob(digest string) string {
	h := strings.TrimPrefix(digest, "sha256:")
	return filepath.Join(s.state, "store/blobs/sha256", h[:2], h)
}

// damage changes a blob's first byte and keeps its size.
func damage(t *testing.T, blob string) {
	t.Helper()
	b, err := os.ReadFile(blob)
	must(t, err)
	b[0] ^= 0xff
	must(t, os.Chmod(blob, 0o644))
	must(t, os.WriteFile(blob, b, 0o644))
	must(t, os.Chmod(blob, 0o444))
}

// A blob that is missing from the store, or damaged, gives the reader EIO and stands in the result's errors.
func TestMissingAndDamagedBlobs(t *testing.T) {
	r := newRunc(t, setup{"store": `verify = "first-read"`})
	s := r.place
	root := s.store(t, file{path: "missing", content: "missing content\n"}, file{path: "damaged", content: "damaged content\n"}, file{path: "fine", content: "fine\n"})
	must(t, os.Remove(s.blob(sha256Hex("missing content\n"))))
	damage(t, s.blob(sha256Hex("damaged content\n")))
	name := unique("blobs")
	o := succeed(t, r, sh(root, name, `
		cat fine > out
		cat missing 2>&1 | grep -o "Input/output error" || echo "missing: no error"
		cat damaged 2>&1 | grep -o "Input/output error" || echo "damaged: no error"`))
	if o.stdout != "Input/output error\nInput/output error\n" {
		t.Errorf("the job printed %q", o.stdout)
	}
	got := s.result(t, name)
	all := strings.Join(got.Errors, "\n")
	for _, want := range []string{"missing", sha256Hex("missing content\n"), "damaged", sha256Hex("damaged content\n")} {
		if !strings.Contains(all, want) {
			t.Errorf("errors %q do not name %s", got.Errors, want)
		}
	}
	if got.Status != result.Partial {
		t.Errorf("status %s", got.Status)
	}
	wantPaths(t, "hashed_files", outputPaths(got), "out")
}

// A job can't reach a blob for writing, whatever it does to the input.
func TestInputsStayUntouchedInTheStore(t *testing.T) {
	r := newRunc(t, nil)
	s := r.place
	const content = "precious\n"
	root := s.store(t, file{path: "in", content: content, mode: 0o666}, file{path: "linked", content: content})
	blob := s.blob(sha256Hex(content))
	var before, after unix.Stat_t
	must(t, unix.Stat(blob, &before))
	name := unique("precious")
	succeed(t, r, sh(root, name, `
		echo more >> in
		ln linked other
		echo more >> other
		chmod 777 linked
		touch linked`))
	must(t, unix.Stat(blob, &after))
	b, err := os.ReadFile(blob)
	must(t, err)
	if string(b) != content || before.Ino != after.Ino || before.Mode != after.Mode || before.Mtim != after.Mtim || before.Nlink != after.Nlink {
		t.Errorf("the blob was changed: %q, %+v, before %+v", b, after, before)
	}
	if after.Mode&0o777 != 0o444 {
		t.Errorf("mode %o", after.Mode)
	}
	got := s.complete(t, name)
	wantPaths(t, "modified_inputs", got.ModifiedInputs, "in", "linked")
	nothingLeft(t, r, name)
}

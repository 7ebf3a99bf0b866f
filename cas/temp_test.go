package cas

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// Where files can't be made without names they have one until they are blobs.
func TestTemporaryFiles(t *testing.T) {
	for _, named := range []bool{false, true} {
		for name, content := range contents() {
			t.Run(fmt.Sprintf("named %v/%s", named, name), func(t *testing.T) {
				s := openTest(t, SHA256)
				if named {
					s.probe.Do(func() {})
				}
				path := filepath.Join(t.TempDir(), "file")
				if err := os.WriteFile(path, content, 0o600); err != nil {
					t.Fatal(err)
				}
				f, err := os.Open(path)
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				d := Sum(SHA256, content)
				for _, before := range []string{"nothing", "the blob", "a torn blob"} {
					if before == "a torn blob" {
						damage(t, s.file(d), string(content)+"torn")
					}
					if got, n, err := s.PutFile(f); err != nil || got != d || n != int64(len(content)) {
						t.Fatalf("%s was there: PutFile = %s, %d, %v", before, got, n, err)
					}
					wantBlob(t, s, d, content)
				}
				if err := os.Remove(s.file(d)); err != nil {
					t.Fatal(err)
				}
				if _, _, err := s.Put(bytes.NewReader(content)); err != nil {
					t.Fatal(err)
				}
				wantBlob(t, s, d, content)
				if s.nameless == named {
					t.Errorf("nameless files: %v", s.nameless)
				}
			})
		}
	}
}

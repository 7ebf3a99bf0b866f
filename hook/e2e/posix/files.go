package posix

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// WriteFiles is the first argument with which the test binary, instead of testing, makes files until something fails.
const WriteFiles = "write-files"

// FileName is the path of a file that the binary makes, and FileContent what it holds.
func FileName(n int) string { return fmt.Sprintf("made-%d/file-%d", n/10, n) }

// FileContent is different for each file and in each of its pages.
func FileContent(n int) []byte {
	sizes := []int{0, 1, 4096, 30_000, 200_001, 900_001, 1<<20 + 17}
	var b bytes.Buffer
	for i := 0; b.Len() < sizes[n%len(sizes)]; i++ {
		fmt.Fprintf(&b, "file %d, line %d\n", n, i)
	}
	return b.Bytes()[:sizes[n%len(sizes)]]
}

// writeFiles makes files in the current directory, one after the other, and prints each one's name once close(2) has
// succeeded. It ends with the first error.
func writeFiles(out io.Writer) error {
	for n := 0; ; n++ {
		if err := writeFile(FileName(n), FileContent(n)); err != nil {
			return err
		}
		if _, err := fmt.Fprintln(out, FileName(n)); err != nil {
			return err
		}
	}
}

func writeFile(name string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	for len(content) > 0 {
		n, err := f.Write(content[:min(len(content), 50_000)])
		if err != nil {
			f.Close()
			return err
		}
		content = content[n:]
	}
	return f.Close()
}

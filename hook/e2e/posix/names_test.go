package posix

import (
	"os"
	"strings"
	"testing"
)

// Names that a result must carry as they are.
func TestOddNames(t *testing.T) {
	mkdir(t, "names")
	for _, n := range OddNames() {
		write(t, n, "odd\n")
		wantContent(t, n, "odd\n")
	}
	write(t, "mode0", "nobody may read this\n")
	must(t, os.Chmod("mode0", 0))

	// Path limits are for one call: a job that walks down by chdir can go as deep as it likes; 4,000 bytes are a path
	// that one call can still name.
	deep := DeepPath()
	must(t, os.MkdirAll(deep[:strings.LastIndexByte(deep, '/')], 0o755))
	write(t, deep, "deep\n")
	wantContent(t, deep, "deep\n")
}

package conformance

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every test that docs/filesystem.md names exists, and every difference that the tests know is told there.
func TestDocumentation(t *testing.T) {
	page, err := os.ReadFile("../../docs/filesystem.md")
	must(t, err)
	var sources strings.Builder
	for _, dir := range []string{".", "../staging", "../../hook/e2e"} {
		files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
		must(t, err)
		for _, file := range files {
			source, err := os.ReadFile(file)
			must(t, err)
			sources.Write(source)
		}
	}
	named := regexp.MustCompile("`(Test[A-Za-z]+)`").FindAllStringSubmatch(string(page), -1)
	if len(named) < 50 {
		t.Errorf("docs/filesystem.md names %d tests", len(named))
	}
	for _, name := range named {
		if !strings.Contains(sources.String(), "func "+name[1]+"(t *testing.T)") {
			t.Errorf("docs/filesystem.md names %s, which is no test", name[1])
		}
	}
	told := strings.Join(strings.Fields(string(page)), " ")
	for driver, list := range differences {
		for d := range list {
			if !strings.Contains(told, string(d)) {
				t.Errorf("docs/filesystem.md does not tell that with %s %s", driver, d)
			}
		}
	}
}

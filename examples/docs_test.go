package examples

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/casview/casview/config"
)

// run runs a command to its end and returns what it prints.
func run(t *testing.T, program string, args ...string) string {
	t.Helper()
	out, err := exec.Command(program, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v: %s", program, args, err, out)
	}
	return string(out)
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	return string(b)
}

// The configuration shown in the documents is the one that `casview config default` prints for root.
func TestConfigurationDocument(t *testing.T) {
	_, rest, _ := strings.Cut(read(t, "../docs/configuration.md"), "```toml\n")
	shown, _, ok := strings.Cut(rest, "```\n")
	if !ok {
		t.Fatal("docs/configuration.md has no toml block")
	}
	state := regexp.MustCompile(`(?m)^state = .*$`)
	if !strings.Contains(shown, "\nstate = \"/var/lib/casview\"\n") {
		t.Error("state is not root's")
	}
	want := state.ReplaceAllString(config.DefaultTOML(), "")
	if state.ReplaceAllString(shown, "") != want {
		t.Errorf("docs/configuration.md shows\n%s\nwant\n%s", shown, config.DefaultTOML())
	}
}

// Commands in the documents exist, with the options that they are given.
func TestCommandsInDocuments(t *testing.T) {
	docs, err := filepath.Glob("../docs/*.md")
	must(t, err)
	help := helps{}
	n := 0
	for _, doc := range append(docs, "../README.md", "README.md") {
		for _, command := range commandsIn(read(t, doc)) {
			n++
			help.check(t, doc, command)
		}
	}
	if n < 20 {
		t.Errorf("only %d commands found", n)
	}
}

var (
	fenced  = regexp.MustCompile("(?ms)^```.*?^```") // pictures and formats
	comment = regexp.MustCompile(`(?m) # .*$`)
	code    = regexp.MustCompile("(?m)^    .*$|`[^`]+`")
	called  = regexp.MustCompile(`(?:^|[^.\w])casview( [a-z][^|)` + "`" + `]*)`)
)

// commandsIn are the calls of casview in the code of a document, as words.
func commandsIn(markdown string) [][]string {
	var out [][]string
	text := strings.ReplaceAll(markdown, "\\\n", " ")
	text = comment.ReplaceAllString(fenced.ReplaceAllString(text, ""), "")
	for _, span := range code.FindAllString(text, -1) {
		for _, m := range called.FindAllStringSubmatch(span, -1) {
			call, _, _ := strings.Cut(m[1], " -- ")
			out = append(out, strings.Fields(call))
		}
	}
	return out
}

// helps are the help texts of commands seen so far.
type helps map[string]string

// check looks at the words of one call: commands first, then options between arguments.
func (h helps) check(t *testing.T, doc string, words []string) {
	t.Helper()
	path := words[:1]
	if len(words) > 1 && slices.Contains([]string{"tree", "config", "cdi"}, words[0]) && !strings.HasPrefix(words[1], "-") {
		path = words[:2]
	}
	name := strings.Join(path, " ")
	if _, ok := h[name]; !ok {
		out, err := exec.Command(filepath.Join(shared.bin, "casview"), append(path, "--help")...).Output()
		if err != nil || !strings.Contains(string(out), "casview "+name) {
			t.Errorf("%s: there is no casview %s", doc, name)
		}
		h[name] = string(out)
	}
	for _, word := range words {
		option, _, _ := strings.Cut(strings.Trim(word, "[]`.,"), "=")
		if strings.HasPrefix(option, "-") && option != "--help" && !strings.Contains(h[name], option+" ") && !strings.Contains(h[name], option+",") {
			t.Errorf("%s: casview %s has no option %s", doc, name, option)
		}
	}
}

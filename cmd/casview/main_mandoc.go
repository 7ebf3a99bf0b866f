//go:build mandoc

// Built with the tag mandoc, this command writes casview's manual pages instead: see packaging/build.
package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/casview/casview/cmd/internal/version"
)

// The programs that are no cobra commands, and how each is asked for its usage.
var others = []struct{ name, help, short string }{
	{"casview-hook", "--help", "give a container its view, and wait for its result"},
	{"casview-fsd", "--help", "serve one view and collect its result"},
	{"casview-runtime", "--casview-help", "add casview's hooks to containers of engines that have none"},
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: mandoc OUTDIR BINDIR")
		os.Exit(2)
	}
	if err := writeManual(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "mandoc:", err)
		os.Exit(1)
	}
}

// writeManual makes a page for each command, and one for each other program.
func writeManual(out, bin string) error {
	a := &app{in: strings.NewReader(""), out: &bytes.Buffer{}, err: &bytes.Buffer{}}
	root := a.rootCmd()
	visit(root, func(cmd *cobra.Command) {
		cmd.Long = markdown(cmd.Long)
		cmd.DisableAutoGenTag = true
	})
	user := doc.GenManTreeOptions{Path: out, CommandSeparator: "-", Header: header("1")}
	if err := doc.GenManTreeFromOpts(root, user); err != nil {
		return err
	}
	for _, p := range others {
		usage, err := exec.Command(filepath.Join(bin, p.name), p.help).Output()
		if err != nil {
			return fmt.Errorf("%s %s: %w", p.name, p.help, err)
		}
		page := &cobra.Command{Use: p.name, Short: p.short, Long: markdown(indent(string(usage), " ")),
			DisableAutoGenTag: true, DisableFlagsInUseLine: true}
		admin := doc.GenManTreeOptions{Path: out, CommandSeparator: "-", Header: header("8")}
		if err := doc.GenManTreeFromOpts(page, admin); err != nil {
			return err
		}
	}
	return nil
}

func header(section string) *doc.GenManHeader {
	return &doc.GenManHeader{Section: section, Source: "casview " + version.String(), Manual: "casview manual"}
}

func visit(cmd *cobra.Command, do func(*cobra.Command)) {
	do(cmd)
	for _, sub := range cmd.Commands() {
		visit(sub, do)
	}
}

// markdown makes plain text what the generator takes it for. An indented line stays a line, as in a table or an example; in
// others no character has a meaning.
func markdown(text string) string {
	escape := strings.NewReplacer(`\`, `\\`, `*`, `\*`, `_`, `\_`, "`", "\\`", `<`, `\<`, `[`, `\[`)
	var out strings.Builder
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, " ") {
			out.WriteString("    " + line)
		} else {
			out.WriteString(escape.Replace(line))
		}
	}
	return out.String()
}

func indent(text, by string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		if line != "\n" {
			line = by + line
		}
		out.WriteString(line)
	}
	return out.String()
}

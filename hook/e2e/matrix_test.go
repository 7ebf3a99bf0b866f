package e2e

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/renameio/v2"
)

var updateMatrix = flag.Bool("update", false, "write what TestEngines saw into the matrix of docs/engines.md")

const matrixPage = "../../docs/engines.md"

// matrix is what a run of the suite saw of each of some engines with each driver. It is safe for parallel use.
type matrix struct {
	table string // the name by which the page marks its table
	test  string // that fills the table
	kinds []engineKind
	mu    sync.Mutex
	seen  map[cell]*tally
}

// newMatrix is the matrix of the suite's own engines.
func newMatrix() *matrix { return &matrix{table: "matrix", test: "TestEngines", kinds: engines} }

// run runs what must hold on every engine, on each of the matrix's, with both drivers.
func (m *matrix) run(t *testing.T) {
	t.Helper()
	for _, kind := range m.kinds {
		for _, way := range drivers {
			t.Run(kind.name+"/"+way.name, func(t *testing.T) {
				behavesWell(t, way.start(t, kind.start), func(t *testing.T) { m.count(t, cell{kind.name, way.name}) })
			})
		}
	}
}

type cell struct{ engine, driver string }

// tally counts the behaviours of one engine with one driver.
type tally struct{ ran, passed, skipped int }

func (c *tally) String() string {
	switch {
	case c == nil || c.ran == c.skipped:
		return notTested
	case c.passed+c.skipped < c.ran:
		return fmt.Sprintf("FAILED %d of %d", c.ran-c.passed-c.skipped, c.ran)
	case c.skipped > 0:
		return fmt.Sprintf("pass, %d skipped", c.skipped)
	}
	return "pass"
}

const notTested = "not tested"

// count notes how a behaviour's test ends.
func (m *matrix) count(t *testing.T, at cell) {
	t.Cleanup(func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.seen == nil {
			m.seen = map[cell]*tally{}
		}
		c := m.seen[at]
		if c == nil {
			c = &tally{}
			m.seen[at] = c
		}
		c.ran++
		switch {
		case t.Skipped():
			c.skipped++
		case !t.Failed():
			c.passed++
		}
	})
}

// check compares the page with what was seen, or writes it there with -update. A run of some engines or behaviours only
// (-run) says nothing of the page.
func (m *matrix) check(t *testing.T) {
	t.Helper()
	if !m.whole() {
		return
	}
	page, err := os.ReadFile(matrixPage)
	must(t, err)
	filled, err := m.fill(string(page))
	if err != nil {
		t.Errorf("%s: %v", matrixPage, err)
		return
	}
	if *updateMatrix {
		must(t, renameio.WriteFile(matrixPage, []byte(filled), 0o644, renameio.WithExistingPermissions()))
		return
	}
	// Hosts have other versions, and the page names those that its writer had.
	if m.withoutVersions(filled) != m.withoutVersions(string(page)) {
		t.Errorf("%s tells something else than this run saw; go test ./hook/e2e -run '^%s$' -update writes it:\n%s",
			matrixPage, m.test, m.in(filled))
	}
}

func (m *matrix) whole() bool {
	most := 0
	for _, kind := range m.kinds {
		for _, way := range drivers {
			c := m.seen[cell{kind.name, way.name}]
			if c == nil {
				return false
			}
			most = max(most, c.ran)
		}
	}
	for _, c := range m.seen {
		if c.ran != most {
			return false
		}
	}
	return true
}

// The matrix's columns: those that are written by hand, and those that this suite writes.
const (
	engineColumn  = 1
	versionColumn = 2
	driverColumns = 5 // one for each of drivers
	lastColumn    = 7
)

// block finds the table in the page, with its marks; the first group is the table alone.
func (m *matrix) block() *regexp.Regexp {
	return regexp.MustCompile(`(?s)<!-- ` + m.table + ` -->\n(.*?)<!-- end of ` + m.table + ` -->`)
}

func (m *matrix) in(page string) string { return m.block().FindString(page) }

// fill writes what was seen into the rows of the page's matrix. Each engine that ran needs a row, and a row whose engine
// did not run is not tested.
func (m *matrix) fill(page string) (string, error) {
	at := m.block().FindStringSubmatchIndex(page)
	if at == nil {
		return "", fmt.Errorf("has no block <!-- %s -->", m.table)
	}
	var rows []string
	found := map[string]bool{}
	for i, row := range strings.Split(strings.TrimRight(page[at[2]:at[3]], "\n"), "\n") {
		if i >= 2 { // after the heading and its rule
			cells := strings.Split(row, "|")
			if len(cells) != lastColumn+2 {
				return "", fmt.Errorf("row %q has %d columns, expected %d", row, len(cells)-2, lastColumn)
			}
			name := strings.Trim(strings.TrimSpace(cells[engineColumn]), "`")
			found[name] = true
			cells[versionColumn] = " " + m.versionsOf(name) + " "
			for j, way := range drivers {
				cells[driverColumns+j] = " " + m.seen[cell{name, way.name}].String() + " "
			}
			row = strings.Join(cells, "|")
		}
		rows = append(rows, row)
	}
	for _, kind := range m.kinds {
		if !found[kind.name] {
			return "", fmt.Errorf("has no row for %s", kind.name)
		}
	}
	return page[:at[2]] + strings.Join(rows, "\n") + "\n" + page[at[3]:], nil
}

func (m *matrix) withoutVersions(page string) string {
	lines := strings.Split(m.in(page), "\n")
	for i, line := range lines {
		if cells := strings.Split(line, "|"); len(cells) > versionColumn {
			lines[i] = strings.Join(slices.Delete(cells, versionColumn, versionColumn+1), "|")
		}
	}
	return strings.Join(lines, "\n")
}

var version = regexp.MustCompile(`\d+\.\d+(\.\d+)?(-beta\.\d+)?`)

// versionsOf are the versions of an engine's programs as they say them.
func (m *matrix) versionsOf(name string) string {
	i := slices.IndexFunc(m.kinds, func(k engineKind) bool { return k.name == name })
	if i < 0 {
		return notTested
	}
	var all []string
	for _, program := range m.kinds[i].programs {
		var out bytes.Buffer
		cmd := exec.Command(program, "--version")
		cmd.Stdout = &out
		if err := cmd.Run(); err != nil {
			all = append(all, program)
			continue
		}
		all = append(all, program+" "+version.FindString(out.String()))
	}
	return strings.Join(all, ", ")
}

// The page must not call tested what the suite does not run, nor leave out what it runs.
func TestMatrixIsFilled(t *testing.T) {
	header := "| engine | version | install | choose | overlay | fuse | traps |\n|---|---|---|---|---|---|---|\n"
	page := "before\n<!-- matrix -->\n" + header
	for _, kind := range engines {
		page += "| `" + kind.name + "` | ? | i | c | ? | ? | t |\n"
	}
	page += "| `other` | 1.2 | i | c | pass | pass | t |\n<!-- end of matrix -->\nafter\n"
	m := newMatrix()
	m.seen = map[cell]*tally{
		{"runc", "overlay"}: {ran: 3, passed: 3}, {"runc", "fuse"}: {ran: 3, passed: 1},
		{"crun", "overlay"}: {ran: 3, passed: 2, skipped: 1}, {"crun", "fuse"}: {ran: 3, skipped: 3},
	}
	got, err := m.fill(page)
	must(t, err)
	for _, want := range []string{
		"before\n", "| pass | FAILED 2 of 3 | t |", "| pass, 1 skipped | not tested | t |",
		"| `other` | not tested | i | c | not tested | not tested | t |", "\nafter\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
	if again, err := m.fill(got); err != nil || again != got {
		t.Errorf("filled again: %v\n%s", err, again)
	}
	if _, err := m.fill(strings.Replace(page, "`crun`", "`krun`", 1)); err == nil {
		t.Error("a page without a row for crun is filled")
	}
	if _, err := m.fill("no block"); err == nil {
		t.Error("a page without a matrix is filled")
	}
	if m.withoutVersions(got) == m.withoutVersions(page) || m.withoutVersions(got) != m.withoutVersions(strings.Replace(got, "runc 1.", "runc 9.", 1)) {
		t.Error("versions are compared, or nothing else is")
	}
}

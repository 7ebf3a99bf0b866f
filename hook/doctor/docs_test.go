package doctor

import (
	"os"
	"regexp"
	"slices"
	"testing"
)

// Every finding has an entry in docs/troubleshooting.md, and every entry is of a finding. Links lead to entries.
func TestTroubleshooting(t *testing.T) {
	text, err := os.ReadFile("../../docs/troubleshooting.md")
	must(t, err)
	var entries []ID
	for _, m := range regexp.MustCompile(`(?m)^### (.+)$`).FindAllSubmatch(text, -1) {
		entries = append(entries, ID(m[1]))
	}
	ids := slices.Clone(IDs())
	for _, id := range ids {
		if !slices.Contains(entries, id) {
			t.Errorf("%s has no entry", id)
		}
	}
	for i, id := range entries {
		if !slices.Contains(ids, id) || slices.Contains(entries[:i], id) {
			t.Errorf("the entry %s is of no finding, or of one that has an entry", id)
		}
	}
	for _, m := range regexp.MustCompile(`\]\(#([^)]+)\)`).FindAllSubmatch(text, -1) {
		if !slices.Contains(entries, ID(m[1])) {
			t.Errorf("#%s leads nowhere", m[1])
		}
	}
}

// Every finding that can be other than ok is provoked, and every one is seen ok or skipped.
func TestEverySymptom(t *testing.T) {
	onlyTells := []ID{StateReflink, PodmanConmon, Engine}
	bad, good := map[ID]bool{Job: true}, map[ID]bool{Job: true} // see TestRun
	for _, s := range slices.Concat(hostSymptoms(), stateSymptoms(), engineSymptoms(), hookSymptoms()) {
		if s.status == Degraded || s.status == Broken {
			bad[s.id] = true
		} else {
			good[s.id] = true
		}
	}
	bad[EngineRestart], good[EngineRestart] = true, true // see TestDockerd
	for _, id := range IDs() {
		if !bad[id] && !slices.Contains(onlyTells, id) {
			t.Errorf("%s: no test provokes it", id)
		}
		if !good[id] {
			t.Errorf("%s: no test sees it well", id)
		}
	}
}

package importrules

import (
	"fmt"
	"slices"
	"strings"
)

// Graph maps an import path to the import paths of its direct imports, tests left out.
type Graph map[string][]string

// Violation is one import that breaks a rule.
type Violation struct {
	Chain []string // from the package that the rule is about to the one that it must not import
	Why   string
}

// String shows the chain in one line.
func (v Violation) String() string {
	return fmt.Sprintf("%s: %s", strings.Join(v.Chain, " -> "), v.Why)
}

// Check returns the violations in order of the importing packages.
func Check(g Graph, rules []Rule) []Violation {
	var all []Violation
	for _, pkg := range sortedKeys(g) {
		room, ok := roomOf(pkg)
		if !ok {
			continue
		}
		i := slices.IndexFunc(rules, func(r Rule) bool { return match(r.From, room) })
		if i < 0 {
			all = append(all, Violation{Chain: []string{pkg}, Why: "no rule covers this package"})
			continue
		}
		all = append(all, direct(g, pkg, rules[i])...)
		all = append(all, indirect(g, pkg, rules[i])...)
	}
	return all
}

func direct(g Graph, pkg string, r Rule) []Violation {
	var found []Violation
	for _, imp := range g[pkg] {
		room, ok := roomOf(imp)
		if ok && !matchAny(r.Only, room) {
			found = append(found, Violation{Chain: []string{pkg, imp}, Why: r.Why})
		}
	}
	return found
}

// indirect reports each forbidden module once, by a shortest chain to it: of a hundred packages of
// one module only the first helps to find the import to remove.
func indirect(g Graph, pkg string, r Rule) []Violation {
	var found []Violation
	for _, never := range r.Never {
		if chain := shortest(g, pkg, never); chain != nil {
			found = append(found, Violation{Chain: chain, Why: r.Why})
		}
	}
	return found
}

func shortest(g Graph, from, pattern string) []string {
	before := map[string]string{from: ""}
	for queue := []string{from}; len(queue) > 0; queue = queue[1:] {
		pkg := queue[0]
		if pkg != from && match(pattern, pkg) {
			return chainTo(pkg, before)
		}
		for _, imp := range g[pkg] {
			if _, seen := before[imp]; !seen {
				before[imp] = pkg
				queue = append(queue, imp)
			}
		}
	}
	return nil
}

func chainTo(pkg string, before map[string]string) []string {
	var chain []string
	for ; pkg != ""; pkg = before[pkg] {
		chain = append(chain, pkg)
	}
	slices.Reverse(chain)
	return chain
}

// roomOf is a casview package's path below the module.
func roomOf(pkg string) (string, bool) {
	if pkg == Module {
		return "", true
	}
	return strings.CutPrefix(pkg, Module+"/")
}

func match(pattern, path string) bool {
	if pattern == "..." {
		return true
	}
	if below, ok := strings.CutSuffix(pattern, "/..."); ok {
		return path == below || strings.HasPrefix(path, below+"/")
	}
	return path == pattern
}

func matchAny(patterns []string, path string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return match(p, path) })
}

func sortedKeys(g Graph) []string {
	keys := make([]string, 0, len(g))
	for k := range g {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

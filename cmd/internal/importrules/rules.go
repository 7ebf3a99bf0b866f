// Package importrules owns the direction of imports between casview's rooms (top-level folders). Its
// test checks the whole module against Rules; nothing imports this package.
package importrules

// Module is the path that every pattern below is relative to.
const Module = "github.com/casview/casview"

// Rule says what the packages in From may import. Patterns are written as for the go command: "cas"
// is one package, "cas/..." is it and all below. Tests may import anything.
type Rule struct {
	// From picks the packages that the rule is about. The first rule that matches a package counts.
	From string
	// Only lists the casview packages that they may import directly.
	Only []string
	// Never lists packages of other modules that must not be among their dependencies, however far
	// down. These patterns are full import paths.
	Never []string
	Why   string
}

// Rules covers every package of the module: one that no rule matches is a violation, so that a new
// room comes with a rule.
func Rules() []Rule {
	const (
		grpc       = "google.golang.org/grpc/..."
		containerd = "github.com/containerd/..."
		fuse       = "github.com/hanwen/go-fuse/..."
		cobra      = "github.com/spf13/cobra/..."
		blake3     = "github.com/zeebo/blake3/..."
	)
	return []Rule{
		{From: "config", Why: "config is at the bottom"},
		{From: "cas/...", Only: []string{"cas/..."},
			Why: "the store knows nothing of FUSE, containers or hooks"},
		{From: "fsd/result", Only: []string{"cas/digest", "cas/utf8name", "fsd/rundir"},
			Why: "every room above reads results: of the store they need digests and the encoding of names"},
		{From: "fsd/rundir", Only: []string{"cas/digest", "fsd/result"},
			Why: "every room above reads run directories: of the store they need digests"},
		{From: "fsd/...", Only: []string{"fsd/...", "cas/..."},
			Why: "fsd gets its parameters from the run directory"},
		{From: "hook/...", Only: []string{"hook/...", "config", "cas/digest", "fsd/result", "fsd/rundir"},
			Why: "the hook never reads blobs, and talks to fsd as a process"},
		{From: "cmd/casview-hook", Only: []string{"cmd/internal/...", "hook/...", "config", "fsd/result", "fsd/rundir"},
			Never: []string{grpc, containerd, fuse, cobra, blake3},
			Why:   "the hook is on every container's start path: what it links costs start time"},
		{From: "cmd/casview-runtime", Only: []string{"cmd/internal/...", "hook/spec", "hook/wrapper"},
			Never: []string{grpc, containerd, fuse, cobra, blake3},
			Why:   "casview-runtime is on the way of every call of a runtime: what it links costs start time"},
		{From: "cmd/casview-fsd", Only: []string{"cmd/internal/...", "fsd/...", "cas/...", "config"},
			Never: []string{grpc, containerd, cobra},
			Why:   "fsd is started for every container: what it links costs start time"},
		{From: "cmd/...", Only: []string{"..."}, Why: "the mains put everything together"},
		{From: "packaging", Why: "packages are made of what the other rooms build"},
		{From: "examples/...", Only: []string{"..."}, Why: "examples use whatever they show"},
	}
}

package importrules

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

func TestImportsBetweenRooms(t *testing.T) {
	g := listModule(t)
	if len(g[Module+"/config"]) == 0 {
		t.Fatal("go list did not find this module's packages")
	}
	for _, v := range Check(g, Rules()) {
		t.Error(v)
	}
}

// listModule asks the go command, so build tags and vendored standard packages are as in a build.
func listModule(t *testing.T) Graph {
	t.Helper()
	// -e: a package that does not compile yet is the compiler's business, its imports still count.
	cmd := exec.Command("go", "list", "-e", "-deps", "-json=ImportPath,Imports", Module+"/...")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	g := Graph{}
	for dec := json.NewDecoder(out); ; {
		var pkg struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&pkg); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		g[pkg.ImportPath] = pkg.Imports
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("go list: %v\n%s", err, &stderr)
	}
	return g
}

func TestCheckFindsViolations(t *testing.T) {
	in := func(room string) string { return Module + "/" + room }
	cases := []struct {
		name  string
		graph Graph
		want  []string // chains
	}{
		{"allowed", Graph{
			in("config"):           {"fmt", "github.com/BurntSushi/toml"},
			in("cas"):              {"hash"},
			in("cas/tree"):         {in("cas")},
			in("fsd/view"):         {in("cas/tree"), in("fsd/trace"), "github.com/hanwen/go-fuse/v2/fuse"},
			in("hook"):             {in("config"), in("cas/digest"), in("fsd/result"), in("hook/daemon")},
			in("cmd/casview"):      {in("cas/ingest"), "github.com/spf13/cobra", "google.golang.org/grpc"},
			in("cmd/casview-hook"): {in("hook"), in("cmd/internal/version")},
			in("examples/ci"):      {in("fsd/view"), in("hook")},
		}, nil},
		{"config imports a room", Graph{in("config"): {in("cas")}},
			[]string{"config -> cas"}},
		{"the store imports what is above", Graph{in("cas/ingest"): {in("config"), in("cas/tree"), in("fsd/trace")}},
			[]string{"cas/ingest -> config", "cas/ingest -> fsd/trace"}},
		{"a format imports the daemon", Graph{in("fsd/rundir"): {in("cas/digest"), in("fsd/result"), in("fsd/view")}},
			[]string{"fsd/rundir -> fsd/view"}},
		{"a format hashes", Graph{in("fsd/rundir"): {in("cas")}},
			[]string{"fsd/rundir -> cas"}},
		{"BLAKE3 on a container's start path", Graph{in("cmd/casview-runtime"): {in("hook/wrapper")}, in("hook/wrapper"): {"github.com/zeebo/blake3"}},
			[]string{"cmd/casview-runtime -> hook/wrapper -> github.com/zeebo/blake3"}},
		{"fsd imports the configuration", Graph{in("fsd/staging"): {in("config")}},
			[]string{"fsd/staging -> config"}},
		{"the hook reads blobs", Graph{in("hook/attach"): {in("cas/tree")}},
			[]string{"hook/attach -> cas/tree"}},
		{"the hook calls fsd", Graph{in("hook"): {in("fsd")}},
			[]string{"hook -> fsd"}},
		{"names that only begin alike", Graph{in("cas"): {in("casfs")}, in("casfs"): nil},
			[]string{"cas -> casfs", "casfs"}},
		{"gRPC far below the hook", Graph{
			in("cmd/casview-hook"):     {in("hook")},
			in("hook"):                 {"example.com/a", "example.com/b"},
			"example.com/a":            {"example.com/c"},
			"example.com/b":            {"google.golang.org/grpc/codes"},
			"example.com/c":            {"google.golang.org/grpc"},
			"google.golang.org/grpc":   {"google.golang.org/grpc/codes"},
			"github.com/spf13/cobra":   nil,
			"github.com/containerd/v2": nil,
		}, []string{"cmd/casview-hook -> hook -> example.com/b -> google.golang.org/grpc/codes"}},
		{"cobra in fsd", Graph{in("cmd/casview-fsd"): {in("fsd"), "github.com/spf13/cobra"}},
			[]string{"cmd/casview-fsd -> github.com/spf13/cobra"}},
		{"a new room", Graph{in("util/strings"): nil},
			[]string{"util/strings"}},
		{"a package at the top", Graph{Module: {"fmt"}},
			[]string{Module}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, v := range Check(c.graph, Rules()) {
				got = append(got, strings.ReplaceAll(strings.Join(v.Chain, " -> "), Module+"/", ""))
			}
			if strings.Join(got, "\n") != strings.Join(c.want, "\n") {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

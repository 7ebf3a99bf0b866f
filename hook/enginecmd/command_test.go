package enginecmd

import (
	"encoding/csv"
	"slices"
	"strings"
	"testing"
)

func TestAnnotate(t *testing.T) {
	cases := []struct{ name, in, want string }{
		{"podman", "podman run img", "podman run --annotation k=v img"},
		{"path", "/usr/bin/podman run --rm img run", "/usr/bin/podman run --annotation k=v --rm img run"},
		{"container run", "podman container run img", "podman container run --annotation k=v img"},
		{"value after a space", "podman --log-level debug --root run run img", "podman --log-level debug --root run run --annotation k=v img"},
		{"value that is a verb", "podman --runtime run container run img", "podman --runtime run container run --annotation k=v img"},
		{"value after =", "podman --root=/run run img", "podman --root=/run run --annotation k=v img"},
		{"switches", "podman --syslog --remote run img", "podman --syslog --remote run --annotation k=v img"},
		{"switch with value", "podman --syslog=false run img", "podman --syslog=false run --annotation k=v img"},
		{"short with value", "podman -c host run img", "podman -c host run --annotation k=v img"},
		{"short cluster", "podman -rc run run img", "podman -rc run run --annotation k=v img"},
		{"short glued", "docker -Htcp://h:1 run img", "docker -Htcp://h:1 run --annotation k=v img"},
		{"docker switch cluster", "docker -DH run run img", "docker -DH run run --annotation k=v img"},
		{"docker -l takes a value", "docker -l run run img", "docker -l run run --annotation k=v img"},
		{"globals after container", "podman container --log-level run run img", "podman container --log-level run run --annotation k=v img"},
		{"double dash", "podman --syslog -- run img", "podman --syslog -- run --annotation k=v img"},
		{"options of run stay", "docker run --name run -e A=b img sh -c run", "docker run --annotation k=v --name run -e A=b img sh -c run"},
		{"nerdctl", "nerdctl --namespace k8s.io -a /s container run img", "nerdctl --namespace k8s.io -a /s container run --annotation k=v img"},
		{"nerdctl switch", "nerdctl --insecure-registry run img", "nerdctl --insecure-registry run --annotation k=v img"},
		{"repeated", "podman --hooks-dir a --hooks-dir run run img", "podman --hooks-dir a --hooks-dir run run --annotation k=v img"},
		{"ctr", "ctr run --rm img id", "ctr run --label k=v --rm img id"},
		{"ctr with values", "ctr -n run --address /run --debug run img id", "ctr -n run --address /run --debug run --label k=v img id"},
		{"ctr with one dash", "ctr -namespace=x -connect-timeout 3s run img id", "ctr -namespace=x -connect-timeout 3s run --label k=v img id"},
		{"nothing after run", "podman run", "podman run --annotation k=v"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			in := strings.Fields(c.in)
			cmd, err := Parse(in)
			if err != nil {
				t.Fatal(err)
			}
			got := cmd.annotate([]Annotation{{"k", "v"}}, Plain).Argv()
			if !slices.Equal(got, strings.Fields(c.want)) {
				t.Errorf("got  %q\nwant %q", strings.Join(got, " "), c.want)
			}
			if !slices.Equal(in, strings.Fields(c.in)) {
				t.Errorf("the caller's slice was changed: %q", in)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	cases := []struct{ name, in, want string }{
		{"nothing", "", "no command given"},
		{"other program", "make all", `"make" is no container engine`},
		{"sudo", "sudo podman run img", "sudo casview run"},
		{"no verb", "podman --syslog", "no `run`"},
		{"no engine arguments", "podman", "no `run`"},
		{"exec", "podman exec c ls", "`exec` is not supported"},
		{"create", "docker container create img", "`create` is not supported"},
		{"container alone", "podman container", "no `run`"},
		{"container twice", "podman container container run", "`container` is not supported"},
		{"unknown option", "podman --frobnicate x run img", "--frobnicate"},
		{"unknown short option", "docker -x run img", "'x'"},
		{"missing value", "podman --root", "needs an argument"},
		{"ctr has no container run", "ctr container run img id", "`container` is not supported"},
		{"ctr unknown option", "ctr --frobnicate run img id", "frobnicate"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse(strings.Fields(c.in))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestAnnotationsKeepTheirOrder(t *testing.T) {
	cmd, err := Parse([]string{"podman", "run", "img"})
	if err != nil {
		t.Fatal(err)
	}
	got := cmd.annotate([]Annotation{{"a", "1"}, {"b", "x=y"}}, Plain).Argv()
	want := []string{"podman", "run", "--annotation", "a=1", "--annotation", "b=x=y", "img"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

// A value quoted for an option that splits at commas comes out of a CSV reader, which is what pflag uses, as it was.
func TestQuotingSurvivesCSV(t *testing.T) {
	for _, s := range []string{`k=v`, `k=["a","b/**"]`, `k=["a"]`, `k=a,b`, "k=a\nb", `k="`} {
		got, err := csv.NewReader(strings.NewReader(CSV.quote(s))).Read()
		if err != nil || len(got) != 1 || got[0] != s {
			t.Errorf("%q: got %q, %v", s, got, err)
		}
	}
}

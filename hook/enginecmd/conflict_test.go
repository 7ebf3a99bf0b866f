package enginecmd

import (
	"strings"
	"testing"
)

func TestParseRefusesCasviewsAnnotations(t *testing.T) {
	cases := []struct{ in, want string }{
		{"podman run --annotation io.casview.run=other img", "io.casview.run: casview run sets this annotation itself: give casview run the option --run"},
		{"podman run --annotation=io.casview.inputs=x img", "option --inputs"},
		{"docker run --rm --annotation io.casview.target=/x img", "option --target"},
		{"docker container run --name n -e A=b -it --annotation=io.casview.outputs=[] img", "option --output"},
		{"nerdctl run --annotation a=b --annotation io.casview.new=x img", "io.casview.new: casview run sets this annotation itself: leave it out"},
		{`podman run --annotation "io.casview.run=x" img`, "option --run"},
		{"ctr run --label io.casview.run=x img id", "--label io.casview.run"},
		{"ctr run --rm -annotation=io.casview.run=x img id", "option --run"},
	}
	for _, c := range cases {
		t.Run(c.in, func(t *testing.T) {
			if _, err := Parse(strings.Fields(c.in)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestParseLeavesOtherAnnotations(t *testing.T) {
	for _, in := range []string{
		"podman run --annotation a=io.casview.run img",
		"podman run --annotation",
		"podman run --label io.casview.run=x img",
		"docker run -e io.casview.run=x img",
		"podman run img --annotation io.casview.run=x",
		"podman run --rm img --annotation io.casview.run=x",
		"podman run --name=x img --annotation io.casview.run=x",
		"podman run --privileged img podman run --annotation io.casview.run=x img",
		"podman run --name x img podman run --annotation io.casview.run=x img",
		"podman run -- img --annotation io.casview.run=x",
	} {
		t.Run(in, func(t *testing.T) {
			if _, err := Parse(strings.Fields(in)); err != nil {
				t.Error(err)
			}
		})
	}
}

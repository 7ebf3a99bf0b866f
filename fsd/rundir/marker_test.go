package rundir_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/cas/digest"
	"github.com/casview/casview/fsd/rundir"
)

func TestMarker(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root: gives files away and labels them")
	}
	runs, _ := openRuns(t)
	const label = "system_u:object_r:container_file_t:s0:c1,c2"
	inputs := cas.Sum(digest.SHA256, []byte("inputs"))
	d, l, err := runs.Create(rundir.Spec{
		Run: "build", Nonce: rundir.NewNonce(), Container: "c", InputsRoot: inputs, Target: "/work", Label: label,
	})
	must(t, err)
	defer l.Close()
	path, err := d.WriteMarker("fuse", rundir.Owner{UID: 1234, GID: 5678})
	must(t, err)
	b, err := os.ReadFile(path)
	must(t, err)
	var got rundir.Marker
	must(t, json.Unmarshal(b, &got))
	want := rundir.Marker{Schema: "casview.marker/v1", Run: "build", InputsRoot: inputs, Target: "/work", StagingDriver: "fuse"}
	if got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	var st unix.Stat_t
	must(t, unix.Stat(path, &st))
	if st.Uid != 1234 || st.Gid != 5678 || st.Mode != unix.S_IFREG|0o444 {
		t.Errorf("belongs to %d:%d, mode %o", st.Uid, st.Gid, st.Mode)
	}
	context := make([]byte, 256)
	n, err := unix.Getxattr(path, "security.selinux", context)
	must(t, err)
	if got := strings.TrimRight(string(context[:n]), "\x00"); got != label {
		t.Errorf("label %q", got)
	}
	if _, err := d.WriteMarker("fuse", rundir.Owner{}); err == nil {
		t.Error("a second marker")
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

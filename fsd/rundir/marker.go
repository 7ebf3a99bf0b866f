package rundir

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/cas/digest"
)

// MarkerSchema is the schema of a Marker.
const MarkerSchema = "casview.marker/v1"

// Marker is marker.json, which a job finds as /.casview. It is written for the job alone: nothing is ever read from it.
type Marker struct {
	Schema        string        `json:"schema"`
	Run           RunKey        `json:"run"`
	InputsRoot    digest.Digest `json:"inputs_root"`
	Target        string        `json:"target"`
	StagingDriver string        `json:"staging_driver"`
}

// WriteMarker writes the marker of a view that a driver has made, and returns its path. It belongs to the container's root:
// any other owner may be nobody there.
func (d *Dir) WriteMarker(driver string, root Owner) (string, error) {
	b, err := json.MarshalIndent(Marker{
		Schema: MarkerSchema, Run: d.spec.Run, InputsRoot: d.spec.InputsRoot, Target: d.spec.Target, StagingDriver: driver,
	}, "", "  ")
	if err != nil {
		return "", err
	}
	f, err := os.OpenFile(d.file(markerName), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o444)
	if err != nil {
		return "", err
	}
	_, err = f.Write(append(b, '\n'))
	if err == nil {
		err = f.Chown(int(root.UID), int(root.GID))
	}
	if err == nil && d.spec.Label != "" {
		// A mount of one file can't have a context of its own.
		err = unix.Fsetxattr(int(f.Fd()), "security.selinux", append([]byte(d.spec.Label), 0), 0)
		if errors.Is(err, unix.ENOTSUP) {
			err = nil // on NFS, for example, all files have the mount's
		}
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return "", fmt.Errorf("%s: %w", f.Name(), err)
	}
	return f.Name(), nil
}

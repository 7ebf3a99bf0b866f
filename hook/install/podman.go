package install

import (
	"encoding/json"
	"fmt"
	"path/filepath"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/casview/casview/hook/spec"
)

// SystemHooks is the one folder that podman reads without being told to (seen with podman 4.3.1, where /etc's is read only
// if hooks_dir names it). CRI-O reads it too.
const SystemHooks = "/usr/share/containers/oci/hooks.d"

// AdminHooks is where an administrator's own hooks may be.
const AdminHooks = "/etc/containers/oci/hooks.d"

const hooksVersion = "1.0.0"

// hooksFile is a file of hooks.d: oci-hooks(5), version 1.0.0. One file has one argument list for all its stages, so each
// stage has a file.
type hooksFile struct {
	Version string       `json:"version"`
	Hook    specs.Hook   `json:"hook"`
	When    hooksWhen    `json:"when"`
	Stages  []spec.Stage `json:"stages"`
}

type hooksWhen struct {
	Always      bool              `json:"always,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// when runs the hook for every annotation of casview's, also a misspelled one: the hook itself then refuses the container,
// instead of a job running without its inputs. Without an end anchor a newline in a key or value hides nothing: "." does
// not match one.
func when(acceptEnv bool) hooksWhen {
	if acceptEnv {
		return hooksWhen{Always: true}
	}
	return hooksWhen{Annotations: map[string]string{`^io\.casview\.`: ".*"}}
}

func (o Options) hooksDir() string {
	switch {
	case o.HooksDir != "":
		return o.HooksDir
	case o.UserConfig != "":
		return filepath.Join(o.UserConfig, "containers/oci/hooks.d")
	}
	return SystemHooks
}

// podman is what podman needs: it looks into its folder of hooks for each container.
func (o Options) podman() (part, error) {
	files, err := o.hooks()
	if err != nil {
		return part{}, err
	}
	if o.UserConfig != "" && o.HooksDir == "" {
		files = append(files, o.userHooksDir())
	}
	return part{files: files, first: "casview run --inputs DIR -- podman run --rm IMAGE COMMAND"}, nil
}

// hooks are the files for the folder of hooks.
func (o Options) hooks() ([]File, error) {
	var out []File
	for _, stage := range []spec.Stage{spec.CreateRuntime, spec.Poststop} {
		text, err := encodeHooks(hooksFile{
			Version: hooksVersion, Hook: o.hookProgram().Hook(stage), When: when(o.AcceptEnv), Stages: []spec.Stage{stage},
		})
		if err != nil {
			return nil, err
		}
		path, err := o.host(filepath.Join(o.hooksDir(), "casview-"+string(stage)+".json"))
		if err != nil {
			return nil, err
		}
		out = append(out, File{Path: path, Mode: 0o644, Content: text})
	}
	return out, nil
}

// userHooksDir makes podman look into the user's folder: rootless podman has none of its own. Setting hooks_dir replaces
// the default, so the system's folders are named again; a later one wins where both have a file of one name.
func (o Options) userHooksDir() File {
	text := fmt.Sprintf(`# Written by casview install: podman reads the hooks of this user too.
[engine]
hooks_dir = [%q, %q, %q]
`, SystemHooks, AdminHooks, o.hooksDir())
	return File{Path: filepath.Join(o.UserConfig, "containers/containers.conf.d/casview.conf"), Mode: 0o644, Content: []byte(text)}
}

func encodeHooks(h hooksFile) ([]byte, error) {
	b, err := json.MarshalIndent(h, "", "  ")
	if err != nil {
		return nil, err
	}
	return append(b, '\n'), nil
}

package doctor

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/casview/casview/cas/digest"
	"github.com/casview/casview/config"
	"github.com/casview/casview/hook/cdi"
	"github.com/casview/casview/hook/install"
	"github.com/casview/casview/hook/spec"
	"github.com/casview/casview/hook/state"
)

// cdiDirs are the folders of CDI specs that engines read by themselves.
func cdiDirs() []string { return []string{cdi.SystemDir, "/var/run/cdi"} }

// cdiSpec is what counts of a CDI spec.
type cdiSpec struct {
	Kind           string   `json:"kind"`
	ContainerEdits cdiEdits `json:"containerEdits"`
	Devices        []struct {
		Name           string   `json:"name"`
		ContainerEdits cdiEdits `json:"containerEdits"`
	} `json:"devices"`
}

type cdiEdits struct {
	Hooks []specs.Hook `json:"hooks"`
}

// cdi looks at the CDI specs that casview wrote: engines give a container their hooks without asking whether they can run. It
// returns how many there are.
func (d *doctor) cdi() int {
	n := 0
	d.of("cdi", func(l *list) {
		for _, dir := range cdiDirs() {
			paths, _ := filepath.Glob(filepath.Join(dir, "casview.io-*.json"))
			for _, path := range paths {
				n++
				d.cdiFile(l, path)
			}
		}
	})
	return n
}

func (d *doctor) cdiFile(l *list, path string) {
	const why = "A container with this device does not start."
	text, err := os.ReadFile(path)
	if err != nil {
		l.skip(CDISpec, err.Error())
		return
	}
	var s cdiSpec
	if err := json.Unmarshal(text, &s); err != nil {
		l.broken(CDISpec, fmt.Sprintf("%s: %v", path, err), "Engines leave out a spec that they can't read.",
			d.awayWith(path, "and make it again with casview cdi"))
		return
	}
	for _, device := range s.Devices {
		name := s.Kind + "=" + device.Name
		for _, h := range append(slices.Clone(s.ContainerEdits.Hooks), device.ContainerEdits.Hooks...) {
			if cause := d.cannotGive(h); cause != "" {
				l.broken(CDISpec, fmt.Sprintf("%s (%s): %s", name, path, cause), why,
					d.mendCDI(path, text, device.Name))
				return
			}
		}
		l.ok(CDISpec, name+" names what is there")
	}
}

// mendCDI is the command that takes a device away: casview cdi remove, unless it refuses because the spec is not as
// casview wrote it.
func (d *doctor) mendCDI(path string, text []byte, device string) string {
	const again = "or ingest its inputs again, and make it anew with casview cdi"
	if own, ok := cdi.Decode(text); ok && cdi.Dir(cdi.SystemDir).Path(own.Name) == path {
		return d.sudo("casview cdi remove "+quote(device)) + "   # " + again
	}
	return d.awayWith(path, "and make it again: casview cdi --inputs DIGEST --name "+quote(device))
}

// awayWith removes a spec. The device with the hooks alone is made again by installing it.
func (d *doctor) awayWith(path, then string) string {
	if path == filepath.Join(cdi.SystemDir, cdi.HooksFile) {
		return d.install(string(install.CDI), path)
	}
	return d.sudo("rm "+quote(path)) + "   # " + then
}

// cannotGive says why a hook of a CDI spec can't give a container its inputs, or "".
func (d *doctor) cannotGive(h specs.Hook) string {
	if !spec.Ours(h) {
		return ""
	}
	if cause := cannotRun(h.Path); cause != "" {
		return cause
	}
	c, err := config.Load(configNamed(h))
	if err != nil {
		return err.Error()
	}
	inputs := option(h.Args, state.InputsOption)
	if inputs == "" {
		return ""
	}
	root, err := digest.Parse(inputs)
	if err != nil {
		return err.Error()
	}
	blob := filepath.Join(c.State, "store/blobs", root.Algorithm().String(), root.Hex()[:2], root.Hex())
	if _, err := os.Stat(blob); errors.Is(err, fs.ErrNotExist) {
		return "its inputs " + root.String() + " are not in the store"
	}
	return ""
}

// option is the value of an option, as "--name value" or "--name=value"; "" if it is not there.
func option(args []string, name string) string {
	for i, arg := range args {
		if value, ok := strings.CutPrefix(arg, name+"="); ok {
			return value
		}
		if arg == name && i+1 < len(args) {
			return args[i+1]
		}
	}
	return ""
}

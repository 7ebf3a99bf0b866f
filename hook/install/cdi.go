package install

import (
	"path/filepath"

	"github.com/casview/casview/hook/cdi"
)

// cdi is a device that gives a container casview's hooks, for engines that know CDI and have no folder of hooks. Engines
// look into the folder for each container. An input set is a device of its own, which needs nothing installed: see casview
// cdi.
func (o Options) cdi() (part, error) {
	text, err := cdi.EncodeHooks(o.hookProgram())
	if err != nil {
		return part{}, err
	}
	path, err := o.host(filepath.Join(o.etc("cdi"), cdi.HooksFile))
	return part{
		files: []File{{Path: path, Mode: 0o644, Content: text}},
		first: "casview run --inputs DIR -- podman run --rm --device " + cdi.HooksDevice + " IMAGE COMMAND",
	}, err
}

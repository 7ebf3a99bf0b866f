package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/BurntSushi/toml"
)

// buildkit looks at the runtime that buildkitd's OCI worker calls.
func (d *doctor) buildkit(ctx context.Context, l *list, _ present) installation {
	file := "/etc/buildkit/buildkitd.toml"
	if user := d.userConfig(); user != "" {
		file = filepath.Join(user, "buildkit/buildkitd.toml")
	}
	text, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return missing
	case err != nil:
		l.skip(RuntimeProgram, err.Error())
		return unknown
	}
	var c struct {
		Worker struct {
			OCI struct {
				Binary string `toml:"binary"`
			} `toml:"oci"`
		} `toml:"worker"`
	}
	if _, err := toml.Decode(string(text), &c); err != nil {
		l.broken(HookFile, fmt.Sprintf("%s: %s", file, firstLine(err.Error())),
			"buildkitd does not start with a configuration that it can't read.", "mend "+file)
		return unknown
	}
	if !isOurRuntime(c.Worker.OCI.Binary) {
		return missing
	}
	d.runtimeRuns(ctx, l, wrapped{engine: "buildkit", named: file, path: c.Worker.OCI.Binary})
	return installed
}

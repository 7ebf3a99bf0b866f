package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"github.com/casview/casview/hook/install"
)

// containersConf is what podman's configuration comes to.
type containersConf struct {
	// files are those that were read, in podman's order.
	files    []string
	hooksDir []string
	// hooksDirBy is the last file that sets hooks_dir, "" where none does.
	hooksDirBy string
	// runtime is the name or path that is configured, "" for podman's choice, and runtimeBy the last file that sets it.
	runtime   string
	runtimeBy string
}

// readContainersConf reads containers.conf(5) as podman does: system, administrator, drop-ins, then the user's. podman has
// no command that tells what comes of it: `podman info` is silent about hooks.
func (d *doctor) readContainersConf() (containersConf, error) {
	c := containersConf{hooksDir: []string{install.SystemHooks}}
	appending := false
	for _, path := range d.containersConfFiles() {
		text, err := d.readPlanned(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return c, err
		}
		if err := c.merge(path, string(text), &appending); err != nil {
			return c, fmt.Errorf("%s: %w", path, err)
		}
		c.files = append(c.files, path)
	}
	return c, nil
}

func (d *doctor) containersConfFiles() []string {
	var all []string
	if path := os.Getenv("CONTAINERS_CONF"); path != "" {
		all = []string{path}
	} else {
		all = append([]string{"/usr/share/containers/containers.conf"}, d.withDropIns("/etc/containers/containers.conf")...)
		if user := d.userConfig(); user != "" {
			all = append(all, d.withDropIns(filepath.Join(user, "containers/containers.conf"))...)
		}
	}
	if path := os.Getenv("CONTAINERS_CONF_OVERRIDE"); path != "" {
		all = append(all, path)
	}
	return all
}

// userConfig is where a rootless engine's user has configuration, and "" for root, whose podman reads none of their own.
func (d *doctor) userConfig() string {
	if !d.rootless() {
		return ""
	}
	if dir := os.Getenv("XDG_CONFIG_HOME"); dir != "" {
		return dir
	}
	if home, err := os.UserHomeDir(); err == nil {
		return filepath.Join(home, ".config")
	}
	return ""
}

func (d *doctor) withDropIns(path string) []string {
	more, _ := filepath.Glob(path + ".d/*.conf") // an unreadable folder has none for podman either
	for planned := range d.planned {
		if filepath.Dir(planned) == path+".d" && filepath.Ext(planned) == ".conf" && !slices.Contains(more, planned) {
			more = append(more, planned)
		}
	}
	slices.Sort(more)
	return append([]string{path}, more...)
}

func (d *doctor) readPlanned(path string) ([]byte, error) {
	if text, ok := d.planned[path]; ok {
		return text, nil
	}
	return os.ReadFile(path)
}

// merge lays one file over what came before it. A list replaces the list before, unless a file has said {append=true}
// (podman 5): then those of that file and of later ones are added.
func (c *containersConf) merge(path, text string, appending *bool) error {
	var file struct {
		Engine struct {
			HooksDir []any  `toml:"hooks_dir"`
			Runtime  string `toml:"runtime"`
		} `toml:"engine"`
	}
	meta, err := toml.Decode(text, &file)
	if err != nil {
		return errors.New(firstLine(err.Error()))
	}
	if file.Engine.Runtime != "" {
		c.runtime, c.runtimeBy = file.Engine.Runtime, path
	}
	if !meta.IsDefined("engine", "hooks_dir") {
		return nil
	}
	var dirs []string
	for _, item := range file.Engine.HooksDir {
		switch v := item.(type) {
		case string:
			dirs = append(dirs, v)
		case map[string]any:
			if on, ok := v["append"].(bool); ok {
				*appending = on
			}
		}
	}
	if *appending {
		dirs = append(c.hooksDir, dirs...)
	}
	c.hooksDir, c.hooksDirBy = dirs, path
	return nil
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}

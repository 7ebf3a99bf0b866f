package doctor

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/BurntSushi/toml"

	"github.com/casview/casview/hook/install"
)

// crioConf is what counts of CRI-O's configuration.
type crioConf struct {
	Crio struct {
		Runtime struct {
			HooksDir []string `toml:"hooks_dir"`
		} `toml:"runtime"`
	} `toml:"crio"`
}

// crio asks for the configuration that comes of all its files.
func (d *doctor) crio(ctx context.Context, l *list, e present) installation {
	out, err := ask(ctx, e.path, "config")
	if err != nil {
		l.skip(HooksDir, "its configuration can't be read: "+err.Error())
		return unknown
	}
	var c crioConf
	if _, err := toml.Decode(out, &c); err != nil {
		l.skip(HooksDir, "crio config: "+firstLine(err.Error()))
		return unknown
	}
	dirs := c.Crio.Runtime.HooksDir
	if dirs == nil {
		dirs = []string{install.SystemHooks} // crio.conf(5); crio config leaves defaults out
	}
	return d.hooks(ctx, l,
		hooksOf{engine: "crio", dirs: dirs, others: []string{install.SystemHooks, install.AdminHooks}, where: "crio config", mend: d.mendCrio})
}

const crioDropIns = "/etc/crio/crio.conf.d"

// crioDropIn is the name of a file that CRI-O reads after all that set hooks_dir: its folder's files by name, the last counts.
func (d *doctor) crioDropIn() string {
	name := "99-hooks.conf"
	files, _ := filepath.Glob(crioDropIns + "/*") // sorted
	for _, file := range files {
		var c crioConf
		if meta, err := toml.DecodeFile(file, &c); err == nil && meta.IsDefined("crio", "runtime", "hooks_dir") {
			name = sortingAfter(filepath.Base(file), name)
		}
	}
	return name
}

func (d *doctor) mendCrio(dirs []string) string {
	file := filepath.Join(crioDropIns, d.crioDropIn())
	script := "mkdir -p " + crioDropIns + "; printf '[crio.runtime]\\nhooks_dir = [\"" + strings.Join(dirs,
		`", "`) + "\"]\\n' > " + file + "; systemctl restart crio"
	return d.sudo("sh -c " + quote(script))
}

package doctor

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/BurntSushi/toml"

	"github.com/casview/casview/hook/install"
)

// crio asks for the configuration that comes of all its files.
func (d *doctor) crio(ctx context.Context, l *list, e present) installation {
	out, err := ask(ctx, e.path, "config")
	if err != nil {
		l.skip(HooksDir, "its configuration can't be read: "+err.Error())
		return unknown
	}
	var c struct {
		Crio struct {
			Runtime struct {
				HooksDir []string `toml:"hooks_dir"`
			} `toml:"runtime"`
		} `toml:"crio"`
	}
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

func (d *doctor) mendCrio(dirs []string) string {
	file := filepath.Join("/etc/crio/crio.conf.d", "99-hooks.conf")
	script := "mkdir -p /etc/crio/crio.conf.d; printf '[crio.runtime]\\nhooks_dir = [\"" + strings.Join(dirs,
		`", "`) + "\"]\\n' > " + file + "; systemctl restart crio"
	return d.sudo("sh -c " + quote(script))
}

package doctor

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// killMode looks at how systemd ends an engine. Daemons of views that the engine's service started are in its control
// group, and the default kills them with it.
func (d *doctor) killMode(ctx context.Context, l *list, units []string) {
	for _, unit := range units {
		mode, known := systemdKillMode(ctx, unit)
		if !known {
			mode, known = fileKillMode(unit)
		}
		if !known {
			continue
		}
		if mode == "process" || mode == "none" {
			l.ok(KillMode, fmt.Sprintf("%s has KillMode=%s: its restart leaves running views alone", unit, mode))
			continue
		}
		dir := "/etc/systemd/system/" + unit + ".d"
		l.degraded(KillMode, fmt.Sprintf("%s has KillMode=%s", unit, mode),
			"When it is stopped or restarted, systemd kills the daemons of the views that it started: their jobs can't read any more.",
			d.sudo(fmt.Sprintf(`sh -c 'mkdir -p %[1]s; printf "[Service]\nKillMode=process\n" > %[1]s/casview.conf; systemctl daemon-reload'`, dir)))
	}
}

func systemdKillMode(ctx context.Context, unit string) (string, bool) {
	if !exists("/run/systemd/system") { // sd_booted(3)
		return "", false
	}
	out, err := ask(ctx, "systemctl", "show", "-p", "LoadState", "-p", "KillMode", unit)
	if err != nil || !strings.Contains(out, "LoadState=loaded") {
		return "", false
	}
	for line := range strings.Lines(out) {
		if mode, ok := strings.CutPrefix(strings.TrimSpace(line), "KillMode="); ok && mode != "" {
			return mode, true
		}
	}
	return "", false
}

// unitDirs are systemd's folders of system units, the strongest first: systemd.unit(5).
func unitDirs() []string {
	return []string{
		"/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system",
		"/lib/systemd/system",
	}
}

// fileKillMode reads a unit and its drop-ins where systemd itself does not run, as while an image is built.
func fileKillMode(unit string) (mode string, known bool) {
	i := slices.IndexFunc(unitDirs(), func(dir string) bool { return exists(filepath.Join(dir, unit)) })
	if i < 0 {
		return "", false
	}
	mode = "control-group" // systemd.kill(5)
	for _, path := range append([]string{filepath.Join(unitDirs()[i], unit)}, dropIns(unit)...) {
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			if value, ok := strings.CutPrefix(strings.TrimSpace(line), "KillMode="); ok && value != "" {
				mode = value
			}
		}
	}
	return mode, true
}

// dropIns are sorted by file name whatever folder they are in; of one name the strongest folder's counts.
func dropIns(unit string) []string {
	byName := map[string]string{}
	for _, dir := range slices.Backward(unitDirs()) {
		paths, _ := filepath.Glob(filepath.Join(dir, unit+".d", "*.conf"))
		for _, path := range paths {
			byName[filepath.Base(path)] = path
		}
	}
	var names []string
	for name := range byName {
		names = append(names, name)
	}
	slices.Sort(names)
	var out []string
	for _, name := range names {
		out = append(out, byName[name])
	}
	return out
}

package doctor

import (
	"context"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// runtimes looks for traps of the runtimes that are here, whichever engine uses them.
func (d *doctor) runtimes(ctx context.Context) {
	checks := map[string]func(*list, version){"runc": d.runc, "crun": d.crun}
	for _, name := range bareRuntimes() {
		path := look(name)
		if path == "" {
			continue
		}
		d.of(name, func(l *list) {
			out, err := ask(ctx, path, "--version")
			var v version
			if err == nil {
				v, err = parseVersion(out)
			}
			if err != nil {
				l.skip(Engine, "which version it is can't be told: "+err.Error())
				return
			}
			l.ok(Engine, fmt.Sprintf("%s %s", path, v))
			checks[name](l, v)
		})
	}
}

func (d *doctor) runc(l *list, v version) {
	if v.before(1, 2) {
		l.degraded(RuncPoststop, fmt.Sprintf("runc %s hides it when a poststop hook fails", v),
			"An engine does not tell that there is no result; casview run and casview result do.",
			"install runc 1.2 or newer, or start jobs with casview run")
	} else {
		l.ok(RuncPoststop, "it tells when a poststop hook fails")
	}
	switch {
	case !v.before(1, 3):
		l.ok(RuncEnvironment, "it keeps the container's environment from hooks")
	case len(d.bareHooks) > 0:
		l.degraded(RuncEnvironment,
			fmt.Sprintf("runc %s gives the container's environment to the hook of %s", v, d.bareHooks[0]),
			"A createContainer or startContainer hook without env takes orders from whoever starts a container. It is not casview's.",
			`write "env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"] into its "hook", or install runc 1.3 or newer`)
	default:
		l.ok(RuncEnvironment,
			fmt.Sprintf("runc %s gives some hooks the container's environment, but casview's name their own", v))
	}
}

func (d *doctor) crun(l *list, v version) {
	if !mixedCgroups() {
		l.ok(CrunCgroups, "the cgroups of this host suit it")
		return
	}
	l.degraded(CrunCgroups,
		fmt.Sprintf("crun %s starts no container where cgroup v1 and v2 are mixed, as below /sys/fs/cgroup here", v),
		"Engines whose runtime is crun start nothing.",
		"podman --runtime runc run ...   # or boot with systemd.unified_cgroup_hierarchy=1")
}

// mixedCgroups tells whether /sys/fs/cgroup holds hierarchies of both versions.
func mixedCgroups() bool {
	var st unix.Statfs_t
	if err := unix.Statfs("/sys/fs/cgroup", &st); err != nil || st.Type == unix.CGROUP2_SUPER_MAGIC {
		return false
	}
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return false
	}
	v1, v2 := false, false
	for line := range strings.Lines(string(mounts)) {
		if f := strings.Fields(line); len(f) > 2 && strings.HasPrefix(f[1], "/sys/fs/cgroup/") {
			v1 = v1 || f[2] == "cgroup"
			v2 = v2 || f[2] == "cgroup2"
		}
	}
	return v1 && v2
}

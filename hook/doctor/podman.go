package doctor

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/casview/casview/hook/install"
)

func (d *doctor) podman(ctx context.Context, l *list, e present) installation {
	d.podmanTraps(l, e)
	conf, err := d.readContainersConf()
	if err != nil {
		l.broken(HooksDir, err.Error(), "podman does not start with a configuration that it can't read.",
			"podman info   # until it says nothing of it")
		return unknown
	}
	d.podmanRuntime(l, conf)
	return d.hooks(ctx, l, d.podmanHooks(conf))
}

func (d *doctor) podmanHooks(conf containersConf) hooksOf {
	return hooksOf{
		engine: "podman", dirs: conf.hooksDir, others: d.otherHookDirs(),
		where: "hooks_dir of " + strings.Join(conf.files, ", "),
		mend:  func(dirs []string) string { return d.mendHooksDir(conf, dirs) },
	}
}

// PodmanIgnores tells whether this user's podman does not read the folder that casview install puts hooks into, and the
// command that mends it. planned are files, by path, that are taken to be there with this content.
func PodmanIgnores(planned map[string][]byte) (f Finding, ignores bool, err error) {
	d, err := newDoctor(Options{})
	if err != nil {
		return f, false, err
	}
	d.planned = planned
	conf, err := d.readContainersConf()
	if err != nil {
		return f, false, err
	}
	dir := install.SystemHooks
	if user := d.userConfig(); user != "" {
		dir = filepath.Join(user, "containers/oci/hooks.d")
	}
	if slices.ContainsFunc(conf.hooksDir, func(read string) bool { return filepath.Clean(read) == dir }) {
		return f, false, nil
	}
	return d.podmanHooks(conf).ignores([]string{dir}), true, nil
}

// otherHookDirs are where hooks may be that no one reads.
func (d *doctor) otherHookDirs() []string {
	dirs := []string{install.SystemHooks, install.AdminHooks}
	if user := d.userConfig(); user != "" {
		dirs = append(dirs, filepath.Join(user, "containers/oci/hooks.d"))
	}
	return dirs
}

// mendHooksDir is the command by which podman reads one more folder.
func (d *doctor) mendHooksDir(conf containersConf, dirs []string) string {
	var quoted []string
	for _, dir := range dirs {
		quoted = append(quoted, fmt.Sprintf("%q", dir))
	}
	return d.containersConfDropIn("zz-casview-hooks.conf", conf.hooksDirBy, "hooks_dir = ["+strings.Join(quoted, ", ")+"]")
}

// containersConfDropIn is the command that sets a key of podman's engine, in a file that is read after the one that sets it
// now, by.
func (d *doctor) containersConfDropIn(name, by, line string) string {
	if by != "" && (by == os.Getenv("CONTAINERS_CONF") || by == os.Getenv("CONTAINERS_CONF_OVERRIDE")) {
		return "set " + line + " below [engine] in " + quote(by)
	}
	folder := "/etc/containers/containers.conf.d"
	if user := d.userConfig(); user != "" {
		folder = filepath.Join(user, "containers/containers.conf.d")
	}
	if filepath.Dir(by) == folder {
		name = sortingAfter(filepath.Base(by), name)
	}
	line = strings.ReplaceAll(line, `"`, `\"`)
	command := "sh -c " + quote(fmt.Sprintf(`mkdir -p %[1]s; printf "[engine]\n%[2]s\n" > %[1]s/%[3]s`, folder, line, name))
	if d.rootless() {
		return command
	}
	return d.sudo(command)
}

// sortingAfter is the name of a drop-in that engines read after another one: of several, the last one counts.
func sortingAfter(other, name string) string {
	if name >= other {
		return name
	}
	_, own, _ := strings.Cut(name, "-")
	return strings.TrimSuffix(other, filepath.Ext(other)) + "z-" + own // "z" sorts after the "." of other's extension
}

func (d *doctor) podmanTraps(l *list, e present) {
	switch {
	case e.version == version{}:
		l.skip(PodmanConmon, "podman's version is not known")
	case e.version.before(5, 3):
		l.ok(PodmanConmon, "podman returns when the job has ended; casview run waits for the result")
	default:
		l.ok(PodmanConmon,
			fmt.Sprintf("podman %s waits for conmon, and so for the job's outputs to be collected: it returns later, with the result there", e.version))
	}
}

// podmanRuntime tells where podman's runtime is one that starts nothing here. podman takes crun where it is not told.
func (d *doctor) podmanRuntime(l *list, conf containersConf) {
	runtime := conf.runtime
	if runtime == "" {
		runtime = "crun"
	}
	if filepath.Base(runtime) != "crun" || look(runtime) == "" || !mixedCgroups() {
		return
	}
	mend := d.containersConfDropIn("zz-casview-runtime.conf", conf.runtimeBy, `runtime = "runc"`)
	if look("runc") == "" {
		mend = d.sudo("apt-get install runc") + " && " + mend
	}
	l.broken(CrunCgroups, "podman's runtime is crun, which starts no container where cgroup v1 and v2 are mixed",
		"No container starts.", mend)
}

package install

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// ctrd is what is known of a host's containerd.
type ctrd struct {
	main    string         // its configuration, as the host has it
	config  map[string]any // nil where there is no such file
	version int            // of the format of the configuration
	// merges says that a file of imports adds to the sections of other files: containerd 2.0 and later. Before, it
	// replaced the whole section of a plugin, with everything that the administrator had set there.
	merges bool
}

// containerd is a runtime handler of the CRI plugin, for pods. ctr and nerdctl get the runtime by an option and need none.
func (o Options) containerd() (part, error) {
	need := part{first: "casview run --inputs DIR -- ctr run --rm IMAGE ID COMMAND"}
	c, err := o.findContainerd()
	if err != nil {
		return need, err
	}
	if c.withoutCRI() {
		need.nothing = c.main + " disables the CRI plugin, so there are no pods; ctr, nerdctl and Go clients need no installation"
		return need, nil
	}
	if why := o.handlerRefuses(); why != "" {
		return need, errors.New(why)
	}
	need.first += ", or a pod whose RuntimeClass has the handler " + runtimeHandler
	main, err := o.host(c.main)
	if err != nil {
		return need, err
	}
	head := fmt.Sprintf("# Written by casview install.\nversion = %d\n", c.version)
	if !c.merges {
		need.files = []File{{Path: main, Mode: 0o644, change: tables{head: head, text: o.handler(c)}}}
		return need, nil
	}
	dropIns := filepath.Join(filepath.Dir(c.main), "conf.d")
	dropIn, err := o.host(filepath.Join(dropIns, "casview.toml"))
	if err != nil {
		return need, err
	}
	need.files = []File{{Path: dropIn, Mode: 0o644, Content: []byte(head + o.handler(c))}}
	if !c.imports(filepath.Join(dropIns, "casview.toml")) {
		item := listItem{head: head, key: "imports", item: filepath.Join(dropIns, "*.toml")}
		need.files = append(need.files, File{Path: main, Mode: 0o644, change: item})
	}
	return need, nil
}

// handlerRefuses says why pods can't have the configuration: containerd gives a runtime no arguments.
func (o Options) handlerRefuses() string {
	if c := o.configFile(); c != systemConfig && c != o.etc("casview/config.toml") {
		return fmt.Sprintf("a runtime handler can't name a configuration: leave --config out, %s counts", o.etc("casview/config.toml"))
	}
	return ""
}

func (o Options) findContainerd() (c ctrd, err error) {
	c.main = o.etc("containerd/config.toml")
	path, err := o.host(c.main)
	if err != nil {
		return c, err
	}
	major := o.containerdMajor()
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.version = 2
		if major >= 2 {
			c.version = 3
		}
	case err != nil:
		return c, err
	default:
		if c.config, err = decode(o.withoutOurs(path, text)); err != nil {
			return c, fmt.Errorf("%s: %w", path, err)
		}
		v, _ := c.config["version"].(int64)
		c.version = max(1, int(v))
	}
	c.merges = c.version >= 3 || c.version == 2 && major >= 2
	return c, nil
}

// withoutOurs is the text of a file as the administrator wrote it.
func (o Options) withoutOurs(path string, text []byte) []byte {
	r, err := o.readRecord()
	if err != nil {
		return text
	}
	e, _ := r.find(o.onHost(path))
	p, err := e.put()
	if err != nil {
		return text
	}
	if before, err := p.undo(text); err == nil {
		return before
	}
	return text
}

// containerdMajor is the first number of containerd's version; 0 where it can't be asked.
func (o Options) containerdMajor() int {
	if o.elsewhere() || o.program("containerd") == "" {
		return 0
	}
	out, err := exec.Command(o.program("containerd"), "--version").Output()
	if err != nil {
		return 0
	}
	m := regexp.MustCompile(` v?(\d+)\.\d+`).FindSubmatch(out)
	if m == nil {
		return 0
	}
	n, _ := strconv.Atoi(string(m[1]))
	return n
}

// plugin is the CRI plugin's name in the configuration.
func (c ctrd) plugin() string {
	switch c.version {
	case 1:
		return "cri"
	case 2:
		return "io.containerd.grpc.v1.cri"
	}
	return "io.containerd.cri.v1.runtime"
}

func (c ctrd) withoutCRI() bool {
	disabled, _ := c.config["disabled_plugins"].([]any)
	return slices.ContainsFunc(disabled, func(name any) bool {
		return slices.Contains([]any{"cri", "io.containerd.grpc.v1.cri", "io.containerd.cri.v1.runtime"}, name)
	})
}

func (c ctrd) imports(file string) bool {
	list, _ := c.config["imports"].([]any)
	return slices.ContainsFunc(list, func(v any) bool {
		pattern := filepath.Clean(fmt.Sprint(v))
		if !filepath.IsAbs(pattern) {
			pattern = filepath.Join(filepath.Dir(c.main), pattern)
		}
		ok, err := filepath.Match(pattern, file)
		return ok && err == nil
	})
}

// handler are the tables of the runtime handler.
func (o Options) handler(c ctrd) string {
	at := fmt.Sprintf("plugins.%q.containerd", c.plugin())
	var b strings.Builder
	fmt.Fprintf(&b, "# Pods with the runtime handler %s run through %s.\n", runtimeHandler, RuntimeName)
	if !c.merges && lookup(c.config, "plugins", c.plugin(), "containerd", "runtimes", "runc") == nil {
		// The first handler that is named takes the place of containerd 1's default one.
		fmt.Fprintf(&b, "[%s.runtimes.runc]\n  runtime_type = \"io.containerd.runc.v2\"\n", at)
	}
	fmt.Fprintf(&b, "[%s.runtimes.%s]\n", at, runtimeHandler)
	fmt.Fprintf(&b, "  runtime_type = \"io.containerd.runc.v2\"\n")
	fmt.Fprintf(&b, "  pod_annotations = [\"io.casview.*\"]\n  container_annotations = [\"io.casview.*\"]\n")
	fmt.Fprintf(&b, "[%s.runtimes.%s.options]\n  BinaryName = %q\n", at, runtimeHandler, o.runtime())
	if c.systemdCgroup() {
		fmt.Fprintf(&b, "  SystemdCgroup = true\n")
	}
	return b.String()
}

// systemdCgroup is the default handler's option: all of them must have the kubelet's cgroup driver.
func (c ctrd) systemdCgroup() bool {
	cri := []string{"plugins", c.plugin(), "containerd"}
	name, _ := lookup(c.config, append(cri, "default_runtime_name")...).(string)
	if name == "" {
		name = "runc"
	}
	on, _ := lookup(c.config, append(cri, "runtimes", name, "options", "SystemdCgroup")...).(bool)
	return on
}

package wrapper

import (
	"cmp"
	"path/filepath"
	"slices"
	"strings"
)

// call is what casview-runtime understands of a runtime's command line. runc and crun have one in common:
//
//	runtime [GLOBAL OPTION]... VERB [OPTION]... ID
//
// runc reads options as package flag does, crun as argp: a value may follow after "=" or as the next argument, and options of
// a verb may stand after the id.
type call struct {
	verb string
	// config is the container's config.json, relative to the working directory or absolute.
	config string
	id     string
	// log is where the engine reads the runtime's errors; "" is nowhere. json is how.
	log  string
	json bool
}

// globalValues are the global options of all versions seen of runc (1.0 to 1.4) and crun (1.0 to 1.28) that take a value,
// globalFlags those that don't.
func globalValues() []string {
	return []string{"cgroup-manager", "criu", "log", "log-format", "log-level", "root", "rootless"}
}

func globalFlags() []string {
	return []string{"debug", "help", "h", "systemd-cgroup", "usage", "version", "v", "V"}
}

// verbValues are the options with a value of create, run and restore.
func verbValues() []string {
	return []string{
		"bundle", "b", "config", "f", "console-socket", "pidfd-socket", "pid-file", "preserve-fds",
		"image-path", "work-path", "parent-path", "manage-cgroups-mode", "empty-ns", "lsm-profile", "lsm-mount-context",
	}
}

func verbs() []string {
	return []string{
		"checkpoint", "create", "delete", "events", "exec", "features", "help", "init", "kill", "list", "mounts", "pause", "ps",
		"restore", "resume", "run", "spec", "start", "state", "update",
	}
}

// parse never fails: what it does not understand is the real runtime's to refuse.
func parse(args []string) call {
	var c call
	rest := c.global(args)
	if len(rest) == 0 {
		return c
	}
	c.verb = rest[0]
	bundle, config := "", "config.json"
	options := reader{args: rest[1:]}
	for options.next(verbValues()) {
		switch {
		case options.argument:
			c.id = options.value
		case options.name == "bundle" || options.name == "b":
			bundle = options.value
		case options.name == "config" || options.name == "f":
			config = cmp.Or(options.value, config)
		case !options.long && strings.HasPrefix(options.name, "b"): // argp's -bDIR
			bundle = options.name[1:]
		}
	}
	c.config = config
	if !filepath.IsAbs(config) {
		c.config = filepath.Join(bundle, config)
	}
	return c
}

// global reads the global options and returns the rest, which begins with the verb. An option that is not known takes the
// next word as its value, unless that is a verb.
func (c *call) global(args []string) []string {
	options := reader{args: args}
	unknown := false
	for options.next(globalValues()) {
		switch {
		case options.argument:
			if !unknown || slices.Contains(verbs(), options.value) {
				return append([]string{options.value}, options.args...)
			}
		case options.name == "log":
			c.log = strings.TrimPrefix(options.value, "file:") // crun has other places than files, too
		case options.name == "log-format":
			c.json = options.value == "json"
		}
		unknown = !options.argument && !options.inline && !slices.Contains(slices.Concat(globalValues(), globalFlags()), options.name)
	}
	return nil
}

// reader goes through a command line. After next, name is an option without dashes, or value is an argument.
type reader struct {
	args         []string
	argument     bool
	name, value  string
	long, inline bool // of an option: two dashes, and whether it has its value
	ended        bool // "--" was read
}

// next reads one option, with its value if it is one of values.
func (r *reader) next(values []string) bool {
	if len(r.args) > 0 && r.args[0] == "--" && !r.ended {
		r.args, r.ended = r.args[1:], true
	}
	if len(r.args) == 0 {
		return false
	}
	word := r.args[0]
	r.args = r.args[1:]
	r.argument = r.ended || !strings.HasPrefix(word, "-") || word == "-"
	if r.argument {
		r.name, r.value = "", word
		return true
	}
	r.long = strings.HasPrefix(word, "--")
	r.name, r.value, r.inline = strings.Cut(strings.TrimPrefix(word[1:], "-"), "=")
	if !r.inline && slices.Contains(values, r.name) && len(r.args) > 0 {
		r.value, r.args, r.inline = r.args[0], r.args[1:], true
	}
	return true
}

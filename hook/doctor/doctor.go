package doctor

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/casview/casview/config"
)

// Options say what is looked at, and by whom.
type Options struct {
	// ConfigFile is the configuration that was named, or "".
	ConfigFile string
	// Programs is the folder of casview, casview-hook and casview-fsd.
	Programs string
	// Version is this casview's.
	Version string
	// Trial is the command that calls Try with the directory that is appended to it.
	Trial []string
	// Engine limits the report to one of EngineNames, with what every engine needs; "" is all.
	Engine string
	// Run says to run a container in each engine that casview is installed into.
	Run bool
}

// EngineNames are the engines that are looked for.
func EngineNames() []string {
	var names []string
	for _, e := range engines() {
		names = append(names, e.name)
	}
	return names
}

// doctor is one examination.
type doctor struct {
	Options
	config config.Config
	// uid is this user's; in a user namespace 0 is not root's.
	uid      int
	inUserns bool
	found    []Finding
	// bareHooks are hook files that would get a container's environment from old runc.
	bareHooks []string
	// planned are files of podman's configuration as they would be, by path.
	planned map[string][]byte
}

// rootless tells whether this is the side of a user's own engine.
func (d *doctor) rootless() bool { return d.uid != 0 || d.inUserns }

// Examine looks at this host as this user sees it. It changes nothing; for trials it makes a directory in the state
// directory's filesystem and takes it out again.
func Examine(ctx context.Context, o Options) (Report, error) {
	d, err := newDoctor(o)
	if err != nil {
		return Report{}, err
	}
	d.examine(ctx)
	if err := ctx.Err(); err != nil {
		return Report{}, err
	}
	mode := "root"
	if d.rootless() {
		mode = "rootless"
	}
	return Report{Schema: Schema, Version: o.Version, Mode: mode, Status: worst(d.found), Findings: d.found}, nil
}

func newDoctor(o Options) (*doctor, error) {
	userns, err := inUserNamespace()
	return &doctor{Options: o, uid: os.Geteuid(), inUserns: userns}, err
}

func (d *doctor) examine(ctx context.Context) {
	d.host(func(l *list) { d.programs(ctx, l) })
	d.host(d.configuration)
	trial := d.tryAll(ctx)
	d.host(d.device)
	d.host(func(l *list) { d.kernel(l, trial) })
	d.host(func(l *list) { d.namespaces(l, trial) })
	d.host(func(l *list) { d.state(l, trial) })
	d.engines(ctx)
}

func (d *doctor) host(check func(*list)) { d.of("", check) }

func (d *doctor) of(subject string, check func(*list)) {
	l := list{subject: subject}
	check(&l)
	d.found = append(d.found, l.all...)
}

// configuration comes first: without one that loads, no container starts, and nothing is known of the state directory.
func (d *doctor) configuration(l *list) {
	c, err := config.Load(d.ConfigFile)
	if err == nil {
		d.config = c
		if exists(d.configFile()) {
			l.ok(Config, d.configFile()+" loads")
		} else {
			l.ok(Config, "there is no "+d.configFile()+": the defaults hold")
		}
		return
	}
	d.config = config.Default()
	mend := d.casview("config check") + "   # again after each change, until it is silent"
	if errors.Is(err, fs.ErrNotExist) {
		mend = "casview config default > " + quote(d.configFile())
	}
	l.broken(Config, err.Error(), "The hook reads it for each container, and lets none start if it does not load.", mend)
}

func (d *doctor) configFile() string {
	if d.ConfigFile != "" {
		return absolute(d.ConfigFile)
	}
	return config.DefaultPath()
}

// casview is a command line of casview with this configuration.
func (d *doctor) casview(args string) string {
	if d.ConfigFile != "" {
		return "casview --config " + quote(absolute(d.ConfigFile)) + " " + args
	}
	return "casview " + args
}

// sudo is put before what only root may do.
func (d *doctor) sudo(command string) string {
	if d.uid == 0 && !d.inUserns {
		return command
	}
	return "sudo " + command
}

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// quote makes one word of a shell's.
func quote(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+:@%,=", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

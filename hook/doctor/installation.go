package doctor

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/hook/install"
	"github.com/casview/casview/hook/spec"
)

// programs looks at casview's own, which belong together. casview-runtime is only for engines without hooks.
func (d *doctor) programs(ctx context.Context, l *list) {
	const why = "casview-hook starts the casview-fsd beside it, and both must understand what casview writes."
	mend := d.completePrograms()
	for _, name := range []string{spec.HookName, fsdName, install.RuntimeName} {
		path := filepath.Join(d.Programs, name)
		if name == install.RuntimeName && !exists(path) {
			continue
		}
		if cause := cannotRun(path); cause != "" {
			l.broken(Programs, cause, why, mend)
			return
		}
		version, err := programVersion(ctx, path)
		if err != nil {
			l.broken(Programs, err.Error(), why, mend)
			return
		}
		if version != d.Version {
			l.degraded(Programs, fmt.Sprintf("%s is %s, casview is %s", path, version, d.Version), why, mend)
			return
		}
	}
	l.ok(Programs, fmt.Sprintf("casview, casview-hook and casview-fsd %s in %s", d.Version, d.Programs))
}

func (d *doctor) completePrograms() string {
	return "install all programs of one version of casview into " + quote(d.Programs)
}

// fsdName is the file name of the daemon, which is beside the hook.
const fsdName = "casview-fsd"

// programVersion asks one of casview's programs: they print "NAME VERSION" or "VERSION".
func programVersion(ctx context.Context, path string) (string, error) {
	flag := "--version"
	if isOurRuntime(path) {
		flag = "--casview-version" // --version is that of the runtime behind it
	}
	out, err := ask(ctx, path, flag)
	if err != nil {
		return "", err
	}
	f := strings.Fields(out)
	if len(f) == 0 {
		return "", fmt.Errorf("%s %s: printed nothing", path, flag)
	}
	return f[len(f)-1], nil
}

// cannotRun says why a program can't be started, or "".
func cannotRun(path string) string {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return err.Error()
	case !info.Mode().IsRegular():
		return path + ": is not a program"
	}
	if err := unix.Access(path, unix.X_OK); err != nil {
		return fmt.Sprintf("%s: may not be executed: %v", path, err)
	}
	return ""
}

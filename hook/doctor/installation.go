package doctor

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/hook/spec"
)

// programs looks at casview's own: the three of them belong together.
func (d *doctor) programs(l *list) {
	const why = "casview-hook starts the casview-fsd beside it, and both must understand what casview writes."
	for _, name := range []string{spec.HookName, fsdName} {
		path := filepath.Join(d.Programs, name)
		if cause := cannotRun(path); cause != "" {
			l.broken(Programs, cause, why, "install casview, casview-hook and casview-fsd of one version into "+quote(d.Programs))
			return
		}
		version, err := programVersion(context.Background(), path)
		if err != nil {
			l.broken(Programs, err.Error(), why, "install casview, casview-hook and casview-fsd of one version into "+quote(d.Programs))
			return
		}
		if version != d.Version {
			l.degraded(Programs, fmt.Sprintf("%s is %s, casview is %s", path, version, d.Version), why,
				"install casview, casview-hook and casview-fsd of one version into "+quote(d.Programs))
			return
		}
	}
	l.ok(Programs, fmt.Sprintf("casview, casview-hook and casview-fsd %s in %s", d.Version, d.Programs))
}

// fsdName is the file name of the daemon, which is beside the hook.
const fsdName = "casview-fsd"

// programVersion asks casview-hook or casview-fsd: they print "NAME VERSION" or "VERSION".
func programVersion(ctx context.Context, path string) (string, error) {
	out, err := ask(ctx, path, "--version")
	if err != nil {
		return "", err
	}
	f := strings.Fields(out)
	if len(f) == 0 {
		return "", fmt.Errorf("%s --version: printed nothing", path)
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

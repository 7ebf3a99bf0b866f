package hostmount

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/cas/digest"
	"github.com/casview/casview/config"
	"github.com/casview/casview/fsd/rundir"
)

// Options says what to mount where.
type Options struct {
	Inputs digest.Digest
	// Dir is an existing directory. What it holds is hidden while the view is there.
	Dir string
	// Staging is the directory for upper/ and work/, which must not be there yet; it is created where it is missing. ""
	// makes the view read-only.
	Staging string
	// Driver is a staging driver, or "" for the configured one. It has no use for a read-only view.
	Driver string
	// FSD is the path of casview-fsd.
	FSD string
}

// ErrNoPrivilege means that this process may not mount anything.
var ErrNoPrivilege = errors.New("mounting needs root or a user namespace: become root, or put `unshare -rm` or `podman unshare` before the command")

// mayMount asks for the capability instead of the user id: the root of a user namespace may mount too.
func mayMount() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return fmt.Errorf("capget: %w", err)
	}
	if data[0].Effective&(1<<unix.CAP_SYS_ADMIN) == 0 {
		return ErrNoPrivilege
	}
	return nil
}

// spec is run.json of a view at dir, owned by the calling user.
func (o Options) spec(cfg config.Config, dir, staging string) (rundir.Spec, error) {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return rundir.Spec{}, err
	}
	driver := rundir.DriverNone
	if staging != "" {
		driver = cfg.Staging.Driver
		if o.Driver != "" {
			driver = o.Driver
		}
	}
	nonce := rundir.NewNonce()
	return rundir.Spec{
		Nonce: nonce, Run: rundir.RunKey("mount-" + strings.ToLower(nonce[:8])),
		InputsRoot: o.Inputs, Target: dir, StagingDir: staging, Driver: driver, Data: cfg.Staging.Data,
		Owner:   rundir.Owner{UID: uint32(os.Geteuid()), GID: uint32(os.Getegid())},
		Started: time.Now(), BootID: strings.TrimSpace(string(boot)),
		Store: filepath.Join(cfg.State, "store"), Digest: cfg.Store.Digest, Verify: cfg.Store.Verify,
		MaxInputs: cfg.Policy.MaxInputs,
		Workers:   cfg.Collect.Workers, SpecialFiles: cfg.Collect.SpecialFiles,
		Timeout: cfg.Collect.Timeout.Duration, LogLevel: cfg.Log.Level,
	}, nil
}

// claimStaging makes sure that nobody else uses the staging directory and that nothing in it could be mistaken for this
// run's, which would be deleted with it. The claim lasts until the returned file is closed.
func claimStaging(dir string) (path string, claim *os.File, err error) {
	if dir == "" {
		return "", nil, nil
	}
	path, err = filepath.Abs(dir)
	if err != nil {
		return "", nil, err
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return "", nil, err
	}
	claim, err = os.Open(path)
	if err != nil {
		return "", nil, err
	}
	if err := checkClaim(claim); err != nil {
		claim.Close()
		return "", nil, fmt.Errorf("staging directory %s: %w", dir, err)
	}
	return path, claim, nil
}

func checkClaim(dir *os.File) error {
	if err := unix.Flock(int(dir.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return fmt.Errorf("another view uses it: %w", err)
	}
	for _, name := range []string{"upper", "work"} {
		switch _, err := os.Lstat(filepath.Join(dir.Name(), name)); {
		case err == nil:
			return fmt.Errorf("it holds %s already: name an empty directory", name)
		case !errors.Is(err, fs.ErrNotExist):
			return err
		}
	}
	return nil
}

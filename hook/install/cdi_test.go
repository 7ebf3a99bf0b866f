package install

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"tags.cncf.io/container-device-interface/pkg/cdi"
)

// The device is one that CDI's own library finds, for the system and for a user.
func TestInstallCDI(t *testing.T) {
	system, user := options(t), Options{UserConfig: t.TempDir(), Programs: programs(t)}
	for dir, o := range map[string]Options{
		filepath.Join(system.Root, "etc/cdi"): system,
		filepath.Join(user.UserConfig, "cdi"): user,
	} {
		o.Engine = CDI
		apply(t, o)
		cache, err := cdi.NewCache(cdi.WithSpecDirs(dir), cdi.WithAutoRefresh(false))
		if err != nil {
			t.Fatal(err)
		}
		if got := cache.ListDevices(); len(cache.GetErrors()) > 0 || !slices.Equal(got, []string{"casview.io/hooks=on"}) {
			t.Errorf("%s: devices %q, errors %v", dir, got, cache.GetErrors())
		}
		if got := actions(apply(t, o)); !slices.Equal(got, []Action{Keep}) {
			t.Errorf("again: actions %q", got)
		}
		// An input set is the administrator's, and stays.
		write(t, filepath.Join(dir, "casview.io-inputs_sources.json"), "{}")
		removeAll(t, o)
		if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
			t.Errorf("left in %s: %v, %v", dir, left, err)
		}
	}
}

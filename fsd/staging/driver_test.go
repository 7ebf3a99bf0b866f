package staging

import (
	"errors"
	"testing"
)

func TestChoose(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, driver, reason string }{
		{"auto", "overlay", "auto: the kernel accepted an overlay mount"},
		{"overlay", "overlay", "configured"},
		{"fuse", "fuse", "configured"},
		{"none", "none", "the view is read-only"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRequest(t, t.TempDir())
			s, driver, reason, err := Choose(c.name, r)
			must(t, err)
			defer ends(t, s)
			defer s.Mount.Close()
			equal(t, "driver", driver, c.driver)
			equal(t, "reason", reason, c.reason)
		})
	}
}

func TestChooseUnknown(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"zfs": `staging driver "zfs": there are overlay, fuse and auto: no staging driver works here`,
		"":    `staging driver "": there are overlay, fuse and auto: no staging driver works here`,
	} {
		s, _, _, err := Choose(name, Request{})
		if s != nil || !errors.Is(err, ErrNoDriver) || err.Error() != want {
			t.Errorf("%q: %v", name, err)
		}
	}
}

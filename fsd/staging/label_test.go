package staging

import (
	"strings"
	"syscall"
	"testing"

	"github.com/opencontainers/selinux/go-selinux"
	"golang.org/x/sys/unix"
)

// The kernel itself tells that it was given the label: one without SELinux refuses the mount and names the option, one with
// it shows the label on every file.
func TestLabel(t *testing.T) {
	t.Parallel()
	const label = "system_u:object_r:container_file_t:s0:c1,c2"
	drivers := []Driver{Overlay{}, FUSE{}, ReadOnly{}}
	for name, attr := range map[string]*syscall.SysProcAttr{"Root": mountNamespace(), "Rootless": userNamespace(65536)} {
		t.Run(name, func(t *testing.T) {
			for _, d := range drivers {
				t.Run(d.Name(), func(t *testing.T) {
					r := newRequest(t, t.TempDir())
					if !again(t, attr) {
						return
					}
					r.Label = label
					wantLabel(t, d, r, name == "Root" || d == Overlay{})
				})
			}
		})
	}
}

// wantLabel mounts and requires that the kernel was given the label, or was not.
func wantLabel(t *testing.T, d Driver, r Request, given bool) {
	t.Helper()
	s, err := d.Mount(r)
	if err != nil {
		if selinux.GetEnabled() || !given || !strings.Contains(err.Error(), "context="+r.Label+": invalid argument") {
			t.Error(err)
		}
		return
	}
	defer s.Wait()
	defer s.Mount.Close()
	got := make([]byte, 256)
	n, err := unix.Getxattr(fdPath(s.Mount), "security.selinux", got)
	if has := err == nil && strings.TrimRight(string(got[:n]), "\x00") == r.Label; has != given {
		t.Errorf("the label is %q (%v), given: %t", got[:max(n, 0)], err, given)
	}
}

package hook

import (
	"github.com/opencontainers/selinux/go-selinux"

	"github.com/casview/casview/hook/state"
)

// mountLabel is the SELinux context that the engine wants on what the container sees (linux.mountLabel). A kernel without
// SELinux refuses mounts that name one.
func mountLabel(c state.Config) string {
	if c.Linux.MountLabel == "" || !selinux.GetEnabled() {
		return ""
	}
	return c.Linux.MountLabel
}

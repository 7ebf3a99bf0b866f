package doctor

import (
	"fmt"

	"golang.org/x/sys/unix"
)

const (
	fuseDevice  = "/dev/fuse"
	fuseMajor   = 10
	fuseMinor   = 229
	whyDevice   = "The daemon of every container opens it as the engine's user, and without it there is no view."
	makeDevice  = "modprobe fuse; test -e /dev/fuse || mknod -m 0666 /dev/fuse c 10 229"
	openDevice  = `sh -c 'echo KERNEL==\"fuse\", MODE=\"0666\" > /etc/udev/rules.d/99-fuse.rules; chmod 0666 /dev/fuse'`
	inContainer = "; inside a container, start it with --device /dev/fuse"
)

// device looks at /dev/fuse as this user, whom a rootless engine's daemons run as.
func (d *doctor) device(l *list) {
	var st unix.Stat_t
	if err := unix.Stat(fuseDevice, &st); err != nil {
		l.broken(FuseDevice, fmt.Sprintf("%s: %v", fuseDevice, err), whyDevice,
			d.sudo("sh -c '"+makeDevice+"'")+inContainer)
		return
	}
	if st.Mode&unix.S_IFMT != unix.S_IFCHR || unix.Major(st.Rdev) != fuseMajor || unix.Minor(st.Rdev) != fuseMinor {
		l.broken(FuseDevice, fuseDevice+" is not the FUSE device, a character device 10:229", whyDevice,
			d.sudo("sh -c 'rm /dev/fuse; mknod -m 0666 /dev/fuse c 10 229'"))
		return
	}
	perm := st.Mode & 0o777
	fd, err := unix.Open(fuseDevice, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		l.broken(FuseDevice,
			fmt.Sprintf("%s: %v: it has mode %04o and belongs to %d:%d", fuseDevice, err, perm, st.Uid, st.Gid),
			whyDevice, d.sudo(openDevice))
		return
	}
	unix.Close(fd)
	what := fmt.Sprintf("%s opens; mode %04o", fuseDevice, perm)
	if !d.rootless() && perm&0o006 != 0o006 {
		what += ": not for rootless engines of other users"
	}
	l.ok(FuseDevice, what)
}

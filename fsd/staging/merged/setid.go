package merged

import "golang.org/x/sys/unix"

const setID = unix.S_ISUID | unix.S_ISGID

// keepingSetID writes to a file what a job has stored to a mapping of it, which on a local disk leaves setuid and setgid bits
// as they are. For the daemon it is a write(2), and in a user namespace the kernel clears them at each of those, whatever
// capabilities the writer has: it asks for CAP_FSETID of the first namespace (setattr_should_drop_suidgid, Linux 6.18). What
// the job writes by write(2) itself loses them everywhere in there. The caller holds changeBits.
func (d *handle) keepingSetID(write func() error) error {
	var st unix.Stat_t
	if err := unix.Fstat(d.fd, &st); err != nil {
		return err
	}
	err := write()
	if st.Mode&setID == 0 {
		return err
	}
	if bits := unix.Fchmod(d.fd, st.Mode&permissions); err == nil {
		return bits
	}
	return err
}

// changeBits makes whatever may change a file's mode wait while keepingSetID is at it. It returns what ends that.
func (fs *FS) changeBits(n *node) func() {
	if !fs.rootless {
		return func() {}
	}
	n.copying.Lock()
	return n.copying.Unlock
}

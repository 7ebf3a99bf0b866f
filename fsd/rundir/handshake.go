package rundir

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Descriptors that the daemon inherits from whoever starts it.
const (
	SocketFD = 3 // its end of a SOCK_SEQPACKET pair
	LockFD   = 4 // the run's lock, held
)

// Reply is the daemon's one answer: the view is ready and its mount travels with the message, or Error says why not.
type Reply struct {
	Error string `json:"error,omitempty"`
	View  View   `json:"view"`
}

// attached is what the starter answers once the mount has its place. A daemon that never hears it gives the run up.
const attached = "attached"

// JSON makes up to six bytes of one.
const (
	maxReply = 64 << 10
	maxError = maxReply / 8
)

// SendReply sends the reply; mount travels along unless it is nil.
func SendReply(sock *os.File, r Reply, mount *os.File) error {
	// Paths of a few thousand bytes may stand in an error, more than once.
	r.Error = r.Error[:min(len(r.Error), maxError)]
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if len(b) > maxReply {
		return errors.New("reply too long")
	}
	var rights []byte
	if mount != nil {
		rights = unix.UnixRights(int(mount.Fd()))
	}
	return unix.Sendmsg(int(sock.Fd()), b, rights, nil, unix.MSG_NOSIGNAL)
}

// ReceiveReply waits for the reply. A daemon that dies first is an error. mount is nil when the reply is an error.
func ReceiveReply(sock *os.File) (r Reply, mount *os.File, err error) {
	buf, oob := make([]byte, maxReply), make([]byte, unix.CmsgSpace(4))
	n, oobn, _, _, err := unix.Recvmsg(int(sock.Fd()), buf, oob, unix.MSG_CMSG_CLOEXEC)
	if err != nil {
		return r, nil, fmt.Errorf("receive from casview-fsd: %w", err)
	}
	if n == 0 {
		return r, nil, errors.New("casview-fsd ended before it answered")
	}
	if err := json.Unmarshal(buf[:n], &r); err != nil {
		return r, nil, fmt.Errorf("answer of casview-fsd: %w", err)
	}
	if r.Error != "" {
		return r, nil, errors.New(r.Error)
	}
	fd, err := oneRight(oob[:oobn])
	if err != nil {
		return r, nil, err
	}
	return r, os.NewFile(uintptr(fd), "view"), nil
}

func oneRight(oob []byte) (int, error) {
	msgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil || len(msgs) != 1 {
		return -1, errors.New("answer of casview-fsd carries no mount")
	}
	fds, err := unix.ParseUnixRights(&msgs[0])
	if err != nil || len(fds) != 1 {
		return -1, errors.New("answer of casview-fsd carries no mount")
	}
	return fds[0], nil
}

// SendAttached tells the daemon that the mount has its place, and returns when the daemon has closed its own descriptor of
// it: as long as that is open, umount(2) says EBUSY.
func SendAttached(sock *os.File) error {
	if err := unix.Sendmsg(int(sock.Fd()), []byte(attached), nil, nil, unix.MSG_NOSIGNAL); err != nil {
		return err
	}
	// The daemon closes the socket after the mount. One that has died has closed both.
	for {
		_, err := unix.Read(int(sock.Fd()), make([]byte, 1))
		switch {
		case errors.Is(err, unix.EINTR): // with a timeout set it is never restarted: signal(7)
			continue
		case err != nil && !errors.Is(err, unix.ECONNRESET):
			return fmt.Errorf("wait until the daemon lets go of the mount: %w", err)
		}
		return nil
	}
}

// ReceiveAttached waits for it. A starter that went away instead is an error.
func ReceiveAttached(sock *os.File) error {
	buf := make([]byte, len(attached))
	n, err := unix.Read(int(sock.Fd()), buf)
	if err != nil {
		return fmt.Errorf("receive from the starter: %w", err)
	}
	if string(buf[:n]) != attached {
		return errors.New("the starter gave the view up")
	}
	return nil
}

package posix

import (
	"io"
	"net"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

func TestFifo(t *testing.T) {
	mkdir(t, "special-fifo")
	must(t, unix.Mkfifo("fifo", 0o600))
	go func() { _ = os.WriteFile("fifo", []byte("through the fifo"), 0) }()
	wantContent(t, "fifo", "through the fifo")
}

func TestUnixSocket(t *testing.T) {
	mkdir(t, "special-socket")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: "socket", Net: "unix"})
	must(t, err)
	// The file stays after the job, as it does when a server is killed.
	l.SetUnlinkOnClose(false)
	defer l.Close()
	go func() {
		c, err := l.Accept()
		if err == nil {
			_, _ = io.WriteString(c, "through the socket")
			c.Close()
		}
	}()
	c, err := net.Dial("unix", "socket")
	must(t, err)
	got, err := io.ReadAll(c)
	if err != nil || string(got) != "through the socket" {
		t.Errorf("read: %q, %v", got, err)
	}
}

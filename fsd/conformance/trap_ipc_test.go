package conformance

import (
	"testing"

	"golang.org/x/sys/unix"
)

// A fifo joins two processes, under whatever name it has.
func TestTrapFifo(t *testing.T) {
	onEachPlace(t, inputs{"dir/input": {content: "x"}}, func(t *testing.T, p *place) {
		h, other := p.hand(t, root), p.hand(t, root)
		h.ok("mkfifo", "dir/fifo", "0640")
		h.says("fifo 0640 1 0", "stat", "dir/fifo", "type", "mode", "nlink", "size")
		h.fails(unix.ENXIO, "open", "f", "dir/fifo", "O_WRONLY|O_NONBLOCK")
		h.fails(unix.EEXIST, "mkfifo", "dir/fifo", "0640")

		h.begin("open", "f", "dir/fifo", "O_WRONLY") // waits for a reader
		other.ok("open", "f", "dir/fifo", "O_RDONLY")
		h.finish()
		h.ok("write", "f", "through the fifo")
		other.says("through the fifo", "read", "f", "99")
		other.ok("rename", "dir/fifo", "fifo2")
		other.ok("link", "fifo2", "dir/fifo3")
		h.ok("write", "f", "after the rename")
		other.says("after the rename", "read", "f", "99")
		other.begin("read", "f", "99")
		h.ok("close", "f")
		if a := other.finish(); a.Value != "" || a.Errno != 0 {
			t.Errorf("read after the writer has closed: %s", a)
		}
		other.ok("close", "f")

		h.begin("open", "f", "fifo2", "O_WRONLY")
		other.ok("open", "f", "dir/fifo3", "O_RDONLY")
		h.finish()
		h.ok("unlink", "fifo2")
		h.ok("unlink", "dir/fifo3")
		h.ok("write", "f", "without a name")
		other.says("without a name", "read", "f", "99")
		p.wantResult(t, nil)
	})
}

// A socket in a directory is found by whoever may get there.
func TestTrapUnixSocket(t *testing.T) {
	onEachPlace(t, inputs{"dir/input": {content: "x"}, "shut": {dir: true, mode: 0o700}}, func(t *testing.T, p *place) {
		server, client, a := p.hand(t, root), p.hand(t, root), p.hand(t, alice)
		server.ok("bind", "s", "dir/socket")
		client.says("socket 0755 1", "stat", "dir/socket", "type", "mode", "nlink")
		server.fails(unix.EADDRINUSE, "bind", "s2", "dir/socket")
		server.fails(unix.EADDRINUSE, "bind", "s2", "dir/input")
		client.fails(unix.ECONNREFUSED, "connect", "c", "dir/input")
		client.fails(unix.ENOENT, "connect", "c", "dir/missing")
		client.fails(unix.ENXIO, "open", "f", "dir/socket", "O_RDWR")

		talk := func(path string) {
			client.ok("connect", "c", path)
			server.ok("accept", "c", "s")
			client.ok("write", "c", "hello")
			server.says("hello", "read", "c", "99")
			server.ok("write", "c", "and back")
			client.says("and back", "read", "c", "99")
		}
		talk("dir/socket")
		client.ok("rename", "dir/socket", "shut/moved")
		talk("shut/moved")
		a.fails(unix.EACCES, "connect", "c", "shut/moved")
		client.ok("link", "shut/moved", "dir/linked")
		talk("dir/linked")
		a.fails(unix.EACCES, "connect", "c", "dir/linked") // connect needs the right to write
		server.ok("chmod", "dir/linked", "0777")
		server.begin("accept", "c", "s")
		a.ok("connect", "c", "dir/linked")
		server.finish()
		server.ok("close", "s")
		client.fails(unix.ECONNREFUSED, "connect", "c", "dir/linked")
		client.ok("unlink", "dir/linked")
		client.ok("unlink", "shut/moved")
		p.wantResult(t, nil)
	})
}

// Sockets and fifos that stay are named in the result and nothing else.
func TestTrapSpecialFilesInResult(t *testing.T) {
	onEachPlace(t, inputs{"dir/input": {content: "x"}}, func(t *testing.T, p *place) {
		h := p.hand(t, root)
		h.ok("mkfifo", "dir/fifo", "0640")
		h.ok("bind", "s", "socket")
		if r := p.result(); r != nil {
			var got []string
			for _, s := range r.Skipped {
				got = append(got, s.Type+" "+string(s.Path))
			}
			wantLines(t, "skipped", got, []string{"fifo dir/fifo", "socket socket"})
			wantLines(t, "outputs", nil, nil)
		}
		p.wantResult(t, nil)
	})
}

package conformance

import (
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"
)

// Programs run from inputs and from what a job has built, and nobody changes one that runs.
func TestTrapExecute(t *testing.T) {
	sleep, err := os.ReadFile("/bin/sleep")
	must(t, err)
	in := inputs{
		"sleep": {content: string(sleep), mode: 0o755}, "plain": {content: "#!/bin/sh\n"},
		"script":      {content: "#!/bin/sh\necho input $1\n", mode: 0o755},
		"dir/through": {symlink: "../script"}, "xonly": {content: string(sleep), mode: 0o111},
	}
	onEachPlace(t, in, func(t *testing.T, p *place) {
		h, a := p.hand(t, root), p.hand(t, alice)
		h.ok("put", "new-sleep", string(sleep))
		h.fails(unix.EACCES, "run", "./new-sleep", "0")
		h.ok("chmod", "new-sleep", "0755")
		h.ok("put", "new-script", "#!/bin/sh\necho new $1\n")
		h.ok("chmod", "new-script", "0755")
		a.says("input 1\n", "run", "./script", "1")
		a.says("input 2\n", "run", "./dir/through", "2")
		a.says("new 3\n", "run", "./new-script", "3")
		a.says("", "run", "./sleep", "0")
		a.says("", "run", "./new-sleep", "0")
		a.says("", "run", "./xonly", "0") // it can be run without being read
		a.fails(unix.EACCES, "content", "xonly")
		h.fails(unix.EACCES, "run", "./plain")
		h.fails(unix.EACCES, "run", "./dir")

		for _, name := range []string{"sleep", "new-sleep"} {
			running := exec.Command(p.path(name), "100")
			must(t, running.Start())
			for _, call := range [][]string{
				{"open", "f", name, "O_WRONLY"}, {"open", "f", name, "O_RDWR"}, {"open", "f", name, "O_RDWR|O_TRUNC"},
				{"truncate", name, "0"},
			} {
				h.fails(unix.ETXTBSY, call...)
			}
			// A new one may take its place.
			h.ok("put", "tmp", "#!/bin/sh\necho replaced\n")
			h.ok("chmod", "tmp", "0755")
			h.ok("link", name, name+"-kept")
			h.ok("rename", "tmp", name)
			h.says("replaced\n", "run", "./"+name)
			h.ok("open", "g", name, "O_RDWR")
			h.fails(unix.ETXTBSY, "run", "./"+name) // what is open for writing does not run
			h.ok("close", "g")
			h.says("replaced\n", "run", "./"+name)
			h.fails(unix.ETXTBSY, "open", "f", name+"-kept", "O_WRONLY")
			must(t, running.Process.Kill())
			_ = running.Wait()
			h.ok("open", "f", name+"-kept", "O_WRONLY")
			h.ok("close", "f")
		}
	})
}

package conformance

import (
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A hand is another process that works in a place, as some user. The test tells it one call after the other
// (calls_test.go has them) and sees what each returns, so that a test with several processes reads from top to
// bottom.
type hand struct {
	t      *testing.T
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	out    *gob.Encoder
	in     *gob.Decoder
	waited sync.Once
}

// answer is what a call returned: a value, or an errno.
type answer struct {
	Value string
	Errno unix.Errno
	// Other is an error without an errno: the test itself is wrong.
	Other string
}

func (a answer) String() string {
	switch {
	case a.Other != "":
		return "error: " + a.Other
	case a.Errno != 0:
		return unix.ErrnoName(a.Errno)
	}
	return strconv.Quote(a.Value)
}

// user is whose process a hand is. Groups are the supplementary ones.
type user struct {
	uid, gid int
	groups   []int
}

// Users that own nothing on any host and are no user of it.
var (
	root  = user{}
	alice = user{uid: 61001, gid: 61001}
	bob   = user{uid: 61002, gid: 61002}
)

const handCommand = "do-hand"

// hand starts a process whose working directory is the place.
func (p *place) hand(t *testing.T, u user) *hand {
	t.Helper()
	groups := make([]string, len(u.groups))
	for i, g := range u.groups {
		groups[i] = strconv.Itoa(g)
	}
	cmd := exec.Command("/proc/self/exe", handCommand, strconv.Itoa(u.uid), strconv.Itoa(u.gid), strings.Join(groups, ","))
	cmd.Dir = p.dir
	cmd.Env = childEnvironment()
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	must(t, err)
	stdout, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	h := &hand{t: t, cmd: cmd, stdin: stdin, out: gob.NewEncoder(stdin), in: gob.NewDecoder(stdout)}
	p.hands = append(p.hands, h)
	t.Cleanup(h.end)
	return h
}

// childEnvironment keeps the race detector from sleeping for a second before a process exits.
func childEnvironment() []string { return append(os.Environ(), "GORACE=atexit_sleep_ms=0", "LC_ALL=C") }

// end lets the process exit, as a job's process does: what it has open is closed by the kernel. It may be called again.
func (h *hand) end() {
	h.stdin.Close()
	// A test that failed may have left it in a call that waits for another process.
	late := time.AfterFunc(10*time.Second, func() { _ = h.cmd.Process.Kill() })
	defer late.Stop()
	h.wait()
}

// wait may be called from several goroutines.
func (h *hand) wait() { h.waited.Do(func() { _ = h.cmd.Wait() }) }

// kill ends the process in the middle of whatever it does.
func (h *hand) kill() {
	h.t.Helper()
	must(h.t, h.cmd.Process.Kill())
	h.wait()
}

// begin starts a call that may block; finish returns its answer.
func (h *hand) begin(args ...string) {
	h.t.Helper()
	must(h.t, h.out.Encode(args))
}

func (h *hand) finish() answer {
	h.t.Helper()
	// A call that waits for ever would take all other tests along.
	late := time.AfterFunc(time.Minute, func() { _ = h.cmd.Process.Kill() })
	defer late.Stop()
	var a answer
	if err := h.in.Decode(&a); err != nil {
		h.t.Fatalf("the process that works in the place was in a call for a minute, or has ended: %v", err)
	}
	if a.Other != "" {
		h.t.Fatal(a.Other)
	}
	return a
}

func (h *hand) do(args ...string) answer {
	h.t.Helper()
	h.begin(args...)
	return h.finish()
}

// ok requires success and returns the value.
func (h *hand) ok(args ...string) string {
	h.t.Helper()
	a := h.do(args...)
	if a.Errno != 0 {
		h.t.Fatalf("%s: %s, expected success", shorten(args), a)
	}
	return a.Value
}

// says requires success with a value.
func (h *hand) says(want string, args ...string) {
	h.t.Helper()
	if a := h.do(args...); a.Errno != 0 || a.Value != want {
		h.t.Errorf("%s: %s, expected %q", shorten(args), a, want)
	}
}

// fails requires an errno.
func (h *hand) fails(want unix.Errno, args ...string) {
	h.t.Helper()
	if a := h.do(args...); a.Errno != want {
		h.t.Errorf("%s: %s, expected %s", shorten(args), a, unix.ErrnoName(want))
	}
}

func shorten(args []string) string {
	all := fmt.Sprintf("%q", args)
	if len(all) > 200 {
		all = all[:100] + "..." + all[len(all)-80:]
	}
	return all
}

// handMain is the other process. It drops its rights after it has its working directory, because the way there from the
// root may be closed to that user.
func handMain(args []string) error {
	if err := become(args); err != nil {
		return err
	}
	c := &caller{files: map[string]int{}, maps: map[string][]byte{}}
	in, out := gob.NewDecoder(os.Stdin), gob.NewEncoder(os.Stdout)
	for {
		var args []string
		if err := in.Decode(&args); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		var a answer
		value, err := c.call(args[0], args[1:])
		if a.Value = value; err != nil && !errors.As(err, &a.Errno) {
			a.Other = fmt.Sprintf("%s: %v", shorten(args), err)
		}
		if err := out.Encode(a); err != nil {
			return err
		}
	}
}

// become takes on the user args[0], the group args[1] and the other groups args[2]. Leaving user 0 drops all
// capabilities.
func become(args []string) error {
	var ids []int
	for _, s := range append(args[:2:2], strings.FieldsFunc(args[2], func(r rune) bool { return r == ',' })...) {
		id, err := strconv.Atoi(s)
		if err != nil {
			return err
		}
		ids = append(ids, id)
	}
	return errors.Join(syscall.Setgroups(ids[2:]), syscall.Setgid(ids[1]), syscall.Setuid(ids[0]))
}

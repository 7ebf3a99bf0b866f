package doctor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// commandTime bounds each program that is asked something. An engine that hangs must not hang the doctor.
const commandTime = 15 * time.Second

// ask runs a program and returns what it prints on stdout. An error is one line and has what it says on stderr. Where the
// context has no deadline, commandTime bounds it.
func ask(ctx context.Context, program string, args ...string) (string, error) {
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, commandTime)
		defer cancel()
	}
	cmd := exec.CommandContext(ctx, program, args...)
	// casview run passes it on to the container; what does not end by it is killed.
	cmd.Cancel = func() error { return cmd.Process.Signal(unix.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	var out, message bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &message
	err := cmd.Run()
	if ctx.Err() != nil {
		return "", fmt.Errorf("%s %s: did not end in time: %w", program, strings.Join(args, " "), ctx.Err())
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = fmt.Errorf("%w: %s", err, short(message.String()))
	}
	if err != nil {
		return "", fmt.Errorf("%s %s: %w", program, strings.Join(args, " "), err)
	}
	return out.String(), nil
}

// short is a message on one line. What went wrong stands in its first or in its last words.
func short(s string) string {
	const most = 600
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\r' }), "; ")
	if len(s) > most {
		s = s[:most/2] + " ... " + s[len(s)-most/2:]
	}
	return s
}

// look finds a program on PATH, and where root's programs are, which a user's PATH may leave out.
func look(name string) string {
	if path, err := exec.LookPath(name); err == nil {
		return absolute(path)
	}
	for _, dir := range []string{"/usr/local/sbin", "/usr/sbin", "/sbin"} {
		if path, err := exec.LookPath(dir + "/" + name); err == nil {
			return path
		}
	}
	return ""
}

package conformance

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// raceCalls are loops: many calls that would take long one by one, or that race with another process.
var raceCalls = map[string]callFunc{
	// claim N: creates claim0 to claimN-1 exclusively; how many were new
	"claim": func(_ *caller, a *args) (string, error) {
		won := 0
		for i := range a.number(0) {
			fd, err := unix.Open(fmt.Sprintf("claim%d", i), unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_CLOEXEC, 0o600)
			switch {
			case err == nil:
				won++
				if err := unix.Close(fd); err != nil {
					return "", err
				}
			case !errors.Is(err, unix.EEXIST):
				return "", err
			}
		}
		return strconv.Itoa(won), nil
	},
	// appendlines NAME PREFIX N: one write for each line
	"appendlines": func(c *caller, a *args) (string, error) {
		fd := c.fd(a, 0)
		for i := range a.number(2) {
			line := fmt.Sprintf("%s %d\n", a.str(1), i)
			if _, err := whole(line, func(b []byte) (int, error) { return unix.Write(fd, b) }); err != nil {
				return "", err
			}
		}
		return "", nil
	},
	// fill DIR N: new files new0 to newN-1
	"fill": func(_ *caller, a *args) (string, error) {
		for i := range a.number(1) {
			if err := os.WriteFile(fmt.Sprintf("%s/new%d", a.str(0), i), []byte("x"), 0o644); err != nil {
				return "", err
			}
		}
		return "", nil
	},
	// churn DIR SEED N: N random changes in a directory, of names that other processes change, too
	"churn": func(_ *caller, a *args) (string, error) {
		r := rand.New(rand.NewPCG(uint64(a.number(1)), 0))
		for range a.number(2) {
			if err := churn(r, a.str(0)); err != nil {
				return "", err
			}
		}
		return "", nil
	},
}

// churn makes, moves or deletes one of the inputs in0 to in99 or one of the names churn0 to churn99.
func churn(r *rand.Rand, dir string) error {
	name := func() string {
		return fmt.Sprintf("%s/%s%d", dir, []string{"in", "churn"}[r.IntN(2)], r.IntN(100))
	}
	var err error
	switch r.IntN(5) {
	case 0:
		err = os.WriteFile(name(), []byte("x"), 0o644)
	case 1:
		err = unix.Mkdir(name(), 0o755)
	case 2:
		err = unix.Rename(name(), name())
	case 3:
		err = unix.Link(name(), name())
	case 4:
		err = os.Remove(name())
	}
	for _, expected := range []error{unix.ENOENT, unix.EEXIST, unix.EISDIR, unix.ENOTDIR, unix.EPERM} {
		if errors.Is(err, expected) {
			return nil
		}
	}
	return err
}

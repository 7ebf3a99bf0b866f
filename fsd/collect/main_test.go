package collect

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/fsd/rundir"
)

// The test binary is also the program that jobs run, and a collector that dies half-way.
func TestMain(m *testing.M) {
	args := os.Args[1:]
	if len(args) == 0 || !strings.HasPrefix(args[0], "do-") {
		os.Exit(m.Run())
	}
	if err := helpers[args[0]](args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

var helpers = map[string]func(args []string) error{
	"do-deep":         makeDeep,
	"do-many":         makeMany,
	"do-random":       doRandom,
	"do-die":          collectAndDie,
	"do-unprivileged": collectUnprivileged,
}

// makeDeep makes a chain of n directories with names of a given length and a file in the last.
func makeDeep(args []string) error {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	length, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	name := strings.Repeat("d", length)
	for range n {
		if err := syscall.Mkdir(name, 0o755); err != nil {
			return err
		}
		if err := syscall.Chdir(name); err != nil {
			return err
		}
	}
	return os.WriteFile("end", []byte("end"), 0o644)
}

// makeMany makes n files, one hundred to a directory.
func makeMany(args []string) error {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	for i := range n {
		dir := fmt.Sprintf("d%d", i/100)
		if i%100 == 0 {
			if err := os.Mkdir(dir, 0o755); err != nil {
				return err
			}
		}
		if err := os.WriteFile(filepath.Join(dir, strconv.Itoa(i)), fmt.Append(nil, i), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// collectAndDie collects a run and is killed when the plan is on disk.
func collectAndDie(args []string) error {
	d, err := rundir.OpenPath(args[0])
	if err != nil {
		return err
	}
	s, err := cas.OpenLocal(d.Spec().Store, cas.SHA256)
	if err != nil {
		return err
	}
	_, err = Run(context.Background(), d, s, Options{afterPlan: func() {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}})
	return err
}

// doRandom does n things to the working directory. What can't be done is left.
func doRandom(args []string) error {
	seed, err := strconv.ParseUint(args[0], 10, 64)
	if err != nil {
		return err
	}
	r := rand.New(rand.NewPCG(seed, 1))
	pick := func() string {
		parts := make([]string, 1+r.IntN(4))
		for i := range parts {
			parts[i] = string(rune('a' + r.IntN(3)))
		}
		return filepath.Join(parts...)
	}
	for i := range 60 {
		a, b := pick(), pick()
		switch r.IntN(12) {
		case 0, 1, 2:
			_ = os.Rename(a, b)
		case 3:
			_ = os.RemoveAll(a)
		case 4:
			_ = os.Remove(a)
		case 5, 6:
			_ = os.Mkdir(a, 0o755)
		case 7:
			_ = os.WriteFile(a, fmt.Append(nil, "new", i), 0o644)
		case 8:
			_ = os.Link(a, b)
		case 9:
			_ = os.Symlink(b, a)
		case 10:
			if st, err := os.Lstat(a); err == nil && st.Mode().Type()&os.ModeSymlink == 0 {
				_ = os.Chmod(a, os.FileMode(0o700+r.IntN(0o77)))
			}
		case 11:
			if f, err := os.OpenFile(a, os.O_WRONLY|os.O_APPEND, 0); err == nil {
				_, _ = f.WriteString("more")
				_ = f.Close()
			}
		}
	}
	return nil
}

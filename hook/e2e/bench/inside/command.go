package inside

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// Command runs a program that must succeed.
type Command struct {
	Step string   `json:"step,omitempty"` // "" is not timed
	Dir  string   `json:"dir,omitempty"`
	Env  []string `json:"env,omitempty"` // added to the container's
	Args []string `json:"args"`
	// Want is what it must print, without space at the ends; nil is anything.
	Want *string `json:"want,omitempty"`
}

func (t *Command) run(r *Report) error {
	cmd := exec.Command(t.Args[0], t.Args[1:]...)
	cmd.Dir = t.Dir
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool { return v == Environment }), t.Env...)
	var out []byte
	do := func() (err error) {
		out, err = cmd.CombinedOutput()
		return err
	}
	var err error
	if t.Step == "" {
		err = do()
	} else {
		err = r.time(t.Step, do)
	}
	got := strings.TrimSpace(string(out))
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w: %s", strings.Join(t.Args, " "), err, last(got))
	case t.Want != nil && got != *t.Want:
		return fmt.Errorf("%s: printed %q, expected %q", strings.Join(t.Args, " "), last(got), *t.Want)
	}
	return nil
}

// last is the end of what a program has said.
func last(s string) string { return s[max(0, len(s)-2000):] }

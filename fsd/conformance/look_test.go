package conformance

import (
	"bytes"
	"encoding/gob"
	"errors"
	"fmt"
	"os"
	"os/exec"
)

// lookElsewhere is a snapshot that another process takes, which has nothing of this one's open.
func lookElsewhere(dir string) ([]node, error) {
	cmd := exec.Command("/proc/self/exe", "do-look", dir)
	cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || stderr.Len() > 0 {
		return nil, fmt.Errorf("look at the view from another process: %w\n%s", errors.Join(err), &stderr)
	}
	var all []node
	return all, gob.NewDecoder(bytes.NewReader(out)).Decode(&all)
}

func look(args []string) error {
	all, err := snapshot(args[0], viewStat)
	if err != nil {
		return err
	}
	return gob.NewEncoder(os.Stdout).Encode(all)
}

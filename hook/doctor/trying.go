package doctor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// trialTime is far above what trials take.
const trialTime = 20 * time.Second

// try runs Try in a mount namespace of its own, and with userNamespace in a user namespace whose root is this user. An
// error means that such namespaces can't be made.
func (d *doctor) try(ctx context.Context, dir string, userNamespace bool) (*trials, error) {
	ctx, cancel := context.WithTimeout(ctx, trialTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, d.Trial[0], append(d.Trial[1:], dir)...)
	var out, message bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &message
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if userNamespace {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}}
	}
	if err := cmd.Run(); err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("%w: %s", err, strings.TrimSpace(message.String()))
		}
		return nil, err
	}
	var t trials
	if err := json.Unmarshal(out.Bytes(), &t); err != nil {
		return nil, fmt.Errorf("the trial's answer: %w", err)
	}
	return &t, nil
}

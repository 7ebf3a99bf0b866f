package hook

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/casview/casview/config"
	"github.com/casview/casview/fsd/rundir"
	"github.com/casview/casview/hook/state"
)

// job is a container that asked for a view, with everything that was asked for checked against the policy.
type job struct {
	id     string
	pid    int
	rootfs string
	target string
	config state.Config
	state.Request
}

// readJob reads what the runtime says. asked is false for a container that has nothing to do with casview.
func readJob(env Env, cfg config.Config, in io.Reader) (j job, asked bool, err error) {
	s, err := state.Read(in)
	if err != nil {
		return j, false, err
	}
	if env.Request == nil && len(s.Annotations) > 0 && len(state.Mine(s.Annotations)) == 0 && !cfg.Policy.AcceptEnv {
		return j, false, nil
	}
	j.id = s.ID
	conf, err := state.ReadConfig(s, env.Dir)
	if err != nil {
		return j, false, err
	}
	request, asked, err := readRequest(env, s, conf, cfg)
	j.Run = request.Run
	if err != nil || !asked {
		return j, asked, err
	}
	j = job{id: s.ID, pid: s.Pid, target: request.Target, config: conf, Request: request}
	if j.target == "" {
		j.target = cfg.View.Target
	}
	if !cfg.View.TargetAllowed(j.target) {
		return j, true, fmt.Errorf("target %s: is not in view.allowed_targets (%s)", j.target, strings.Join(cfg.View.AllowedTargets, ", "))
	}
	if j.pid == 0 {
		return j, true, fmt.Errorf("container %s: its state names no process: casview-hook must run as createRuntime or prestart", s.ID)
	}
	j.rootfs, err = state.Rootfs(s, conf)
	return j, true, err
}

// key is the run's name.
func (j job) key() rundir.RunKey {
	if j.Run != "" {
		return j.Run
	}
	return rundir.KeyOfContainer(j.id)
}

// spec is run.json: what the daemon and a later collection need.
func (j job) spec(env Env, cfg config.Config, owner rundir.Owner) (rundir.Spec, error) {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return rundir.Spec{}, err
	}
	return rundir.Spec{
		Nonce: rundir.NewNonce(), Run: j.key(), Container: j.id,
		InputsRoot: j.Inputs, Target: j.target, Outputs: j.Outputs, Owner: owner,
		Label:   mountLabel(j.config),
		Started: env.Started, BootID: strings.TrimSpace(string(boot)),
		Store: filepath.Join(cfg.State, "store"), Digest: cfg.Store.Digest, Verify: cfg.Store.Verify,
		MaxInputs: cfg.Policy.MaxInputs,
		Driver:    cfg.Staging.Driver, Data: cfg.Staging.Data, Workers: cfg.Collect.Workers, SpecialFiles: cfg.Collect.SpecialFiles,
		Timeout: cfg.Collect.Timeout.Duration, LogLevel: cfg.Log.Level,
	}, nil
}

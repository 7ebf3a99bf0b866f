package enginecmd

// runOptions are what casview knows of the options of an engine's `run`, each as "name" or "name,letter". An option that is
// in no table takes a value. A switch that is missing here would take the image for its value, so the tables hold the
// switches of all versions seen (see globals.go), and a test compares them with the installed engines.
type runOptions struct {
	switches []string
	// lettered are options with a value that have a letter, so that `-e` is found among `-ite`.
	lettered []string
	// oneDash: long options may stand after one dash, and letters stand alone.
	oneDash bool
}

func podmanRun() runOptions {
	return runOptions{
		switches: []string{
			"detach,d", "disable-content-trust", "env-host", "help", "http-proxy", "init", "interactive,i", "no-healthcheck",
			"no-hostname", "no-hosts", "oom-kill-disable", "passwd", "privileged", "publish-all,P", "quiet,q", "read-only",
			"read-only-tmpfs", "replace", "rm", "rmi", "rootfs", "sig-proxy", "tls-verify", "tty,t", "unsetenv-all",
		},
		lettered: []string{"env,e"},
	}
}

func dockerRun() runOptions {
	return runOptions{
		switches: []string{
			"detach,d", "disable-content-trust", "help", "init", "interactive,i", "no-healthcheck", "oom-kill-disable",
			"privileged", "publish-all,P", "quiet,q", "read-only", "rm", "sig-proxy", "tty,t", "use-api-socket",
		},
		lettered: []string{"env,e"},
	}
}

func nerdctlRun() runOptions {
	return runOptions{
		switches: []string{
			"detach,d", "help", "init", "interactive,i", "no-healthcheck", "oom-kill-disable", "privileged", "quiet,q",
			"read-only", "rm", "rootfs", "sig-proxy", "tty,t",
		},
		lettered: []string{"env,e"},
	}
}

func ctrRun() runOptions {
	return runOptions{
		switches: []string{
			"allow-new-privs", "cni", "detach,d", "help,h", "net-host", "no-pivot", "null-io", "privileged",
			"privileged-without-host-devices", "read-only", "remap-labels", "rm", "rootfs", "runc-systemd-cgroup", "seccomp",
			"sync-fs", "tty,t",
		},
		lettered: []string{"config,c"},
		oneDash:  true,
	}
}

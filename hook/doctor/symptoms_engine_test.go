package doctor

// onlyFakes hides the engines that are installed here: they lie on PATH, or where look finds root's programs.
const onlyFakes = `for d in /usr/sbin /usr/local/sbin; do mount -t tmpfs tmpfs $d; done; P=$BIN:$T/fake; ln -s $(command -v sh) $T/fake/sh; `

// mixed and pure make /sys/fs/cgroup what it is with both versions of cgroups, and with the second one alone.
const (
	mixed = `mount -t tmpfs tmpfs /sys/fs/cgroup; mkdir /sys/fs/cgroup/v1 /sys/fs/cgroup/unified
		mount -t cgroup -o none,name=casview-doctor cgroup /sys/fs/cgroup/v1; mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified; `
	pure = `mount -t cgroup2 cgroup2 /sys/fs/cgroup; `
)

// engineSymptoms are those of engines and runtimes as they are, whether casview is installed or not.
func engineSymptoms() []symptom {
	podman, docker, containerd := []string{"--engine", "podman"}, []string{"--engine", "docker"}, []string{"--engine", "containerd"}
	wrapper := `cp -r $BIN $T/bin; `
	daemonJSON := wrapper + `echo '{"runtimes": {"casview": {"path": "'$T'/bin/casview-runtime"}}}' > /etc/docker/daemon.json; `
	handler := func(path string) string {
		return wrapper + `printf 'version = 2\n[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.casview]\nruntime_type = "io.containerd.runc.v2"\n[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.casview.options]\nBinaryName = "%s"\n' ` +
			path + ` > /etc/containerd/config.toml; `
	}
	unit := func(text string) string {
		return `mkdir -p /etc/systemd/system; rm -rf /run/systemd; printf '` + text + `' > /etc/systemd/system/docker.service; rm -rf /etc/systemd/system/docker.service.d; `
	}
	return []symptom{
		{name: "None", host: onlyFakes, id: Engines, status: Broken, what: "no container engine"},
		{name: "NotTheOneThatIsNamed", args: []string{"--engine", "nerdctl"},
			host: onlyFakes + `fake podman 'echo podman version 4.3.1'`,
			id:   Engines, status: Broken, what: "nerdctl is not on this host's PATH"},
		{name: "FakeRuncAlone", host: onlyFakes + `fake runc 'echo runc version 1.3.1'`,
			id: Engines, status: OK, what: "casview spec"},
		{name: "Podman", args: podman, id: Engine, subject: "podman", status: OK, what: "podman 4."},
		{name: "FakePodmanWithoutVersion", args: podman, host: `fake podman 'echo soon'`,
			id: Engine, subject: "podman", status: Skipped, what: "no version"},
		{name: "FakePodmanThatFails", args: podman, host: `fake podman 'echo no >&2; exit 3'`,
			id: Engine, subject: "podman", status: Skipped, what: "exit status 3: no"},

		{name: "Podman", args: podman,
			id: EngineSetup, subject: "podman", status: Broken, what: "not installed", mends: true},
		{name: "Docker", args: docker, id: EngineSetup, subject: "docker", status: Broken, what: "not installed"},
		{name: "DockerBesidePodman", host: `casview install >/dev/null`,
			id: EngineSetup, subject: "docker", status: Skipped, what: "not installed"},
		{name: "ContainerdWithoutHandler", args: containerd,
			id: EngineSetup, subject: "containerd", status: OK, what: "name casview in each command"},
		{name: "PodmanInstalled", host: `casview install >/dev/null`, id: EngineSetup, subject: "podman", status: OK},
		{name: "DockerInstalled", args: docker, host: daemonJSON, id: EngineSetup, subject: "docker", status: OK},
		{name: "ContainerdInstalled", args: containerd, host: handler("$T/bin/casview-runtime"),
			id: EngineSetup, subject: "containerd", status: OK},
		{name: "ByCDIDeviceAlone", args: podman,
			host: `echo '{"kind": "casview.io/inputs", "devices": []}' > /etc/cdi/casview.io-x.json`,
			id:   EngineSetup, subject: "podman", status: Skipped, what: "CDI"},
		{name: "FakeBuildkitdAlone", args: []string{"--engine", "buildkit"},
			host: `fake buildkitd 'echo buildkitd v0.20.1'`,
			id:   EngineSetup, subject: "buildkit", status: Broken, what: "not installed"},
		{name: "FakeCrio", args: []string{"--engine", "crio"},
			host: `fake crio 'test "$1" = config || echo crio version 1.30.0'`,
			id:   EngineSetup, subject: "crio", status: Broken, what: "not installed", mends: true},

		{name: "Dockerd20WithoutAcceptEnv", args: docker,
			host: `fake dockerd 'echo Docker version 20.10.24'; ` + daemonJSON,
			id:   HookOptions, subject: "docker", status: Broken, what: "no annotations"},
		{name: "Dockerd20WithAcceptEnv", args: docker, config: "[policy]\naccept_env = true\n",
			host: `fake dockerd 'echo Docker version 20.10.24'; ` + daemonJSON,
			id:   HookOptions, subject: "docker", status: OK},
		{name: "FakeDockerd28", args: docker, host: `fake dockerd 'echo Docker version 28.0.1'; ` + daemonJSON,
			id: HookOptions, subject: "docker", status: OK},
		{name: "DockersConfiguration", args: docker,
			host: daemonJSON + `sed -i 's|"path"|"runtimeArgs": ["--casview-config", "/nowhere.toml"], "path"|' /etc/docker/daemon.json`,
			id:   HookConfig, subject: "docker", status: Broken, what: "/nowhere.toml"},
		{name: "ContainerdOfOtherState", args: containerd, host: handler("$T/bin/casview-runtime"),
			id: HookConfig, subject: "containerd", status: Degraded, what: "/var/lib/casview"},

		{name: "Docker", args: docker, host: daemonJSON + `rm $T/bin/casview-runtime`,
			id: RuntimeProgram, subject: "docker", status: Broken, what: "casview-runtime: no such file"},
		{name: "DockerOK", args: docker, host: daemonJSON, id: RuntimeProgram, subject: "docker", status: OK},
		{name: "DockerHookMissing", args: docker, host: daemonJSON + `rm $T/bin/casview-hook`,
			id: RuntimeProgram, subject: "docker", status: Broken, what: "casview-hook: no such file"},
		{name: "DockerHookMissingBesideCasview", args: docker,
			host: `cp -r $BIN $T/b; CASVIEW=$T/b/casview; mkdir -p /etc/docker; $CASVIEW --config $T/config.toml install --engine docker >/dev/null; rm $T/b/casview-hook`,
			id:   RuntimeProgram, subject: "docker", status: Broken, what: "casview-hook: no such file", mend: "install all programs of one version"},
		{name: "DockerForUsers", args: docker, user: true, host: daemonJSON + `chmod 600 /etc/docker/daemon.json`,
			id: RuntimeProgram, subject: "docker", status: Skipped, what: "needs root"},
		{name: "DockerJSONDamaged", args: docker, host: `echo '{' > /etc/docker/daemon.json`,
			id: HookFile, subject: "docker", status: Broken, what: "daemon.json: unexpected end"},
		{name: "DockerJSONDamagedDockerd20", args: docker, host: `fake dockerd 'echo Docker version 20.10.24'; echo '{' > /etc/docker/daemon.json`,
			id: HookFile, subject: "docker", status: Broken, what: "daemon.json: unexpected end", mend: "jq . /etc/docker/daemon.json"},
		{name: "DockerJSONDamagedDockerd28", args: docker, host: `fake dockerd 'echo Docker version 28.0.1'; echo '{' > /etc/docker/daemon.json`,
			id: HookFile, subject: "docker", status: Broken, what: "daemon.json: unexpected end", mend: "dockerd --validate"},
		{name: "Containerd", args: containerd, host: handler("/nowhere/casview-runtime"),
			id: RuntimeProgram, subject: "containerd", status: Broken, what: "/nowhere/casview-runtime: no such file"},
		{name: "ContainerdNotOnPath", args: containerd, host: handler("casview-runtime") + `P=/usr/bin`,
			id: RuntimeProgram, subject: "containerd", status: Broken, what: "not on PATH"},
		{name: "FakeContainerd2", args: containerd,
			host: `: > /etc/containerd/config.toml; fake containerd 'if [ "$1" = config ]; then cat '$T'/dump; else echo containerd v2.1.0; fi'
			printf 'version = 3\n[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.casview.options]\nBinaryName = "/nowhere/casview-runtime"\n' > $T/dump`,
			id: RuntimeProgram, subject: "containerd", status: Broken, what: "/nowhere/casview-runtime: no such file"},
		{name: "ContainerdDamaged", args: containerd, host: `echo '[' > /etc/containerd/config.toml`,
			id: RuntimeProgram, subject: "containerd", status: Skipped, what: "can't be read"},
		{name: "FakeBuildkitd", args: []string{"--engine", "buildkit"}, host: `fake buildkitd 'echo buildkitd v0.20.1'; mkdir -p /etc/buildkit; printf '[worker.oci]\nbinary = "/nowhere/casview-runtime"\n' > /etc/buildkit/buildkitd.toml`,
			id: RuntimeProgram, subject: "buildkit", status: Broken, what: "no such file"},
		{name: "OldHookBesideTheRuntime", args: docker, host: daemonJSON + `cp $OLD/casview-hook $T/bin`,
			id: HookVersion, subject: "docker", status: Degraded, what: "v0.0.1"},

		{name: "DockerdDoesNotRun", args: docker,
			host: daemonJSON + `fake docker 'echo Cannot connect to the Docker daemon >&2; exit 1'`,
			id:   EngineRestart, subject: "docker", status: Skipped, what: "Cannot connect"},
		{name: "FakeDockerHasIt", args: docker,
			host: daemonJSON + `fake docker 'echo "{\"casview\": {\"path\": \"'$T'/bin/casview-runtime\"}}"'`,
			id:   EngineRestart, subject: "docker", status: OK},
		{name: "FakeDockerLosesIt", args: docker,
			host: `fake docker 'echo "{\"casview\": {\"path\": \"/usr/bin/casview-runtime\"}}"'`,
			id:   EngineRestart, subject: "docker", status: Degraded, what: "not in /etc/docker/daemon.json"},

		{name: "FakeRunc1.1", args: podman,
			host: onlyFakes + `fake runc 'echo runc version 1.1.15'; fake podman 'echo podman version 4.3.1'`,
			id:   RuncPoststop, subject: "runc", status: Degraded, what: "runc 1.1.15"},
		{name: "FakeRunc1.2", args: podman,
			host: onlyFakes + `fake runc 'echo runc version 1.2.0-rc.1'; fake podman 'echo podman version 4.3.1'`,
			id:   RuncPoststop, subject: "runc", status: OK},
		{name: "FakeRunc1.2WithBareHook", args: podman, host: onlyFakes + `fake runc 'echo runc version 1.2.5'; fake podman 'echo podman version 4.3.1'; mkdir -p /usr/share/containers/oci/hooks.d
			echo '{"version":"1.0.0","hook":{"path":"/bin/true"},"when":{"always":true},"stages":["createContainer"]}' > /usr/share/containers/oci/hooks.d/x.json`,
			id: RuncEnvironment, subject: "runc", status: Degraded, what: "hooks.d/x.json"},
		{name: "FakeRunc1.2WithHook", args: podman, host: onlyFakes + `fake runc 'echo runc version 1.2.5'; fake podman 'echo podman version 4.3.1'; mkdir -p /usr/share/containers/oci/hooks.d
			echo '{"version":"1.0.0","hook":{"path":"/bin/true","env":[]},"when":{"always":true},"stages":["createContainer"]}' > /usr/share/containers/oci/hooks.d/x.json`,
			id: RuncEnvironment, subject: "runc", status: OK},
		{name: "FakeRunc1.3", args: podman,
			host: onlyFakes + `fake runc 'echo runc version 1.3.0'; fake podman 'echo podman version 4.3.1'`,
			id:   RuncEnvironment, subject: "runc", status: OK, what: "keeps"},
		{name: "Mixed", args: podman, host: mixed, id: CrunCgroups, subject: "crun", status: Degraded, what: "mixed"},
		{name: "PodmansRuntime", args: podman, host: mixed,
			id: CrunCgroups, subject: "podman", status: Broken, what: "podman's runtime is crun", mends: true},
		{name: "PodmansRuntimeByALateDropIn", args: podman,
			host: mixed + `mkdir -p /etc/containers/containers.conf.d; printf '[engine]\nruntime = "crun"\n' > /etc/containers/containers.conf.d/zz.conf`,
			id:   CrunCgroups, subject: "podman", status: Broken, what: "podman's runtime is crun", mends: true},
		{name: "V2Alone", args: podman, host: pure, id: CrunCgroups, subject: "crun", status: OK},
		{name: "FakePodman5.3", args: podman, host: `fake podman 'echo podman version 5.3.0'`,
			id: PodmanConmon, subject: "podman", status: OK, what: "waits for conmon"},
		{name: "FakePodman5.2", args: podman, host: `fake podman 'echo podman version 5.2.5'`,
			id: PodmanConmon, subject: "podman", status: OK, what: "when the job has ended"},

		{name: "DefaultOfSystemd", args: docker, host: unit(`[Service]\nExecStart=/usr/sbin/dockerd\n`),
			id: KillMode, subject: "docker", status: Degraded, what: "docker.service has KillMode=control-group"},
		{name: "DropInsCount", args: docker, host: unit(`[Service]\nKillMode=process\n`) + `mkdir /etc/systemd/system/docker.service.d; printf '[Service]\nKillMode=mixed\n' > /etc/systemd/system/docker.service.d/a.conf`,
			id: KillMode, subject: "docker", status: Degraded, what: "KillMode=mixed"},
		{name: "Process", args: docker, host: unit(`[Service]\nKillMode=process\n`),
			id: KillMode, subject: "docker", status: OK, what: "docker.service has KillMode=process"},
		{name: "FakeSystemctl", args: docker,
			host: `mkdir -p /run/systemd/system; fake systemctl 'echo LoadState=loaded; echo KillMode=control-group'`,
			id:   KillMode, subject: "docker", status: Degraded, what: "control-group"},
		{name: "Mends", args: []string{"--engine", "containerd"}, host: `mkdir -p /etc/systemd/system; rm -rf /run/systemd; echo '[Service]' > /etc/systemd/system/containerd.service`,
			id: KillMode, subject: "containerd", status: Degraded, what: "control-group", mends: true},
	}
}

// hookSymptoms are those of hooks.d files and CDI specs that casview installed.
func hookSymptoms() []symptom {
	const (
		installed = `casview install >/dev/null; H=/usr/share/containers/oci/hooks.d; `
		moved     = installed + `mkdir -p /etc/containers/oci; mv $H /etc/containers/oci; `
		conf      = `mkdir -p /etc/containers/containers.conf.d; `
		roots     = `mkdir -m 700 $T/roots; echo "state = \"$T/roots\"" > /etc/x.toml; $BIN/casview --config /etc/x.toml install >/dev/null; `
		users     = `cp $T/config.toml $T/home/own.toml; chown -R 4242:4242 $T/home; setpriv --reuid 4242 --regid 4242 --clear-groups env HOME=$T/home $BIN/casview --config $T/home/own.toml install >/dev/null`
	)
	engine := []string{"--engine", "podman"}
	all := []symptom{
		{name: "Installed", host: installed, id: HooksDir, status: OK, what: "/usr/share/containers/oci/hooks.d"},
		{name: "NotRead", host: moved,
			id: HooksDir, status: Broken, what: "/etc/containers/oci/hooks.d, which podman does not read", mends: true},
		{name: "ContainersConfNamesAnother",
			host: installed + `printf '[engine]\nhooks_dir = ["/srv/hooks"]\n' > /etc/containers/containers.conf`,
			id:   HooksDir, status: Broken, what: "podman does not read", mends: true},
		{name: "InstallSaysSo",
			host: `printf '[engine]\nhooks_dir = ["/srv/hooks"]\n' > /etc/containers/containers.conf
			! casview install >/dev/null 2>$T/said || exit 9
			grep 'hooks.d, which podman does not read (hooks_dir of /etc/containers/containers.conf): let it read them: ' $T/said`,
			id: HooksDir, status: Broken, what: "podman does not read", mends: true},
		{name: "DropInWinsOverFile", host: moved + conf + `printf '[engine]\nhooks_dir = ["/srv/hooks"]\n' > /etc/containers/containers.conf
			printf '[engine]\nhooks_dir = ["/etc/containers/oci/hooks.d"]\n' > /etc/containers/containers.conf.d/a.conf`, id: HooksDir, status: OK, what: "/etc/containers/oci/hooks.d"},
		{name: "LastDropInWins", host: installed + conf + `printf '[engine]\nhooks_dir = ["/usr/share/containers/oci/hooks.d"]\n' > /etc/containers/containers.conf.d/a.conf
			printf '[engine]\nhooks_dir = ["/srv/hooks"]\n' > /etc/containers/containers.conf.d/b.conf`, id: HooksDir, status: Broken, what: "podman does not read"},
		{name: "LateDropInWins", host: installed + conf + `printf '[engine]\nhooks_dir = ["/opt/hooks"]\n' > /etc/containers/containers.conf.d/zz.conf`,
			id: HooksDir, status: Broken, what: "podman does not read", mend: "containers.conf.d/zzz-casview-hooks.conf", mends: true},
		{name: "EarlyDropInWins", host: installed + conf + `printf '[engine]\nhooks_dir = ["/opt/hooks"]\n' > /etc/containers/containers.conf.d/50.conf`,
			id: HooksDir, status: Broken, what: "podman does not read", mend: "containers.conf.d/zz-casview-hooks.conf", mends: true},
		{name: "InstallNamesALaterDropIn", host: conf + `printf '[engine]\nhooks_dir = ["/opt/hooks"]\n' > /etc/containers/containers.conf.d/zz.conf
			! casview install >/dev/null 2>$T/said || exit 9
			sed -n 's/.*: let it read them: //p' $T/said | sh`,
			id: HooksDir, status: OK, what: "/opt/hooks, /usr/share/containers/oci/hooks.d"},
		{name: "AppendsSincePodman5", host: installed + conf + `printf '[engine]\nhooks_dir = ["/srv/hooks", {append = true}]\n' > /etc/containers/containers.conf.d/b.conf`,
			id: HooksDir, status: OK, what: "/usr/share/containers/oci/hooks.d, /srv/hooks"},
		{name: "Unreadable", user: true, host: installed + `chmod 700 $H`,
			id: HooksDir, status: Broken, what: "permission denied", mends: true},
		{name: "ContainersConfDamaged", host: installed + `echo '[' > /etc/containers/containers.conf`,
			id: HooksDir, status: Broken, what: "containers.conf: "},
		{name: "UsersOwn", user: true, host: `mkdir -p $T/home/.config/containers/oci; casview install >/dev/null; mv /usr/share/containers/oci/hooks.d $T/home/.config/containers/oci`,
			id: HooksDir, status: Broken, what: ".config/containers/oci/hooks.d, which podman does not read"},
		{name: "UsersOwnDropIn", user: true, host: `chown 4242:4242 $T/home; setpriv --reuid 4242 --regid 4242 --clear-groups env HOME=$T/home $BIN/casview install >/dev/null`,
			id: HooksDir, status: OK, what: ".config/containers/oci/hooks.d"},
		{name: "UsersOwnDropInInADryRun", user: true, host: `chown 4242:4242 $T/home; user() { setpriv --reuid 4242 --regid 4242 --clear-groups env HOME=$T/home $BIN/casview "$@"; }
			user install --dry-run >/dev/null; test -z "$(ls -A $T/home)"; user install >/dev/null; user install --dry-run >/dev/null`,
			id: HooksDir, status: OK, what: ".config/containers/oci/hooks.d"},
		{name: "UsersLateDropIn", user: true, host: `mkdir -p $T/home/.config/containers/containers.conf.d; printf '[engine]\nhooks_dir = ["/opt/hooks"]\n' > $T/home/.config/containers/containers.conf.d/zz.conf
			chown -R 4242:4242 $T/home; for dry in --dry-run ''; do
				! setpriv --reuid 4242 --regid 4242 --clear-groups env HOME=$T/home $BIN/casview install $dry >/dev/null 2>$T/said || exit 9
				grep zzz-casview-hooks.conf $T/said
			done`,
			id: HooksDir, status: Broken, what: "podman does not read", mend: "containers.conf.d/zzz-casview-hooks.conf", mends: true},

		{name: "Installed", host: installed, id: HookFile, status: OK},
		{name: "Damaged", host: installed + `echo '{' > $H/casview-poststop.json`,
			id: HookFile, status: Broken, what: "casview-poststop.json: unexpected end", mends: true},
		{name: "OneEditedTheOtherMissing", host: installed + `rm $H/casview-poststop.json; sed -i "s|$BIN/casview-hook|/nowhere/casview-hook|" $H/casview-createRuntime.json`,
			id: HookFile, status: Broken, what: "at poststop", mends: true},
		{name: "SomebodyElsesDamaged", host: installed + `echo '{' > $H/x.json`,
			id: HookFile, status: Broken, what: "x.json: unexpected end"},
		{name: "NoPoststop", host: installed + `rm $H/casview-poststop.json`,
			id: HookFile, status: Broken, what: "at poststop", mends: true},

		{name: "Installed", host: installed, id: HookProgram, status: OK},
		{name: "Missing", host: installed + `sed -i "s|$BIN/casview-hook|/nowhere/casview-hook|" $H/*.json`,
			id: HookProgram, status: Broken, what: "/nowhere/casview-hook: no such file", mends: true},
		{name: "MissingInOneFile", host: installed + `sed -i "s|$BIN/casview-hook|/nowhere/casview-hook|" $H/casview-createRuntime.json`,
			id: HookProgram, status: Broken, what: "/nowhere/casview-hook: no such file", mend: "rm /usr/share/containers/oci/hooks.d/casview-createRuntime.json && ", mends: true},
		{name: "NoDaemonBeside",
			host: installed + `mkdir $T/b; cp $BIN/casview-hook $T/b; sed -i "s|$BIN/casview-hook|$T/b/casview-hook|" $H/*.json`,
			id:   HookProgram, status: Broken, what: "casview-fsd: no such file"},
		{name: "NoHookBesideCasview",
			host: `cp -r $BIN $T/b; CASVIEW=$T/b/casview; $CASVIEW --config $T/config.toml install >/dev/null; rm $T/b/casview-hook`,
			id:   HookProgram, status: Broken, what: "casview-hook: no such file", mend: "install all programs of one version"},

		{name: "Installed", host: installed, id: HookConfig, status: OK},
		{name: "Missing", host: installed + `sed -i "s|$T/config.toml|/nowhere.toml|" $H/*.json`,
			id: HookConfig, status: Broken, what: "/nowhere.toml"},
		{name: "Damaged", host: installed + `echo x > /etc/x.toml; sed -i "s|$T/config.toml|/etc/x.toml|" $H/*.json`,
			id: HookConfig, status: Broken, what: "/etc/x.toml:1"},
		{name: "Unreadable", user: true,
			host: installed + `echo x > /etc/x.toml; chmod 600 /etc/x.toml; sed -i "s|$T/config.toml|/etc/x.toml|" $H/*.json`,
			id:   HookConfig, status: Skipped, what: "permission denied"},
		{name: "AnotherState",
			host: installed + `echo 'state = "/srv/state"' > /etc/x.toml; sed -i "s|$T/config.toml|/etc/x.toml|" $H/*.json`,
			id:   HookConfig, status: Degraded, what: "/srv/state"},
		{name: "RootsStateForAUser", user: true, host: roots,
			id: HookConfig, status: Broken, what: "user 4242 can't write there", mend: "install --engine podman"},
		{name: "UsersOwnBesideRoots", user: true, host: roots + users, id: HookConfig, status: OK},

		{name: "Installed", host: installed, id: HookOptions, status: OK},
		{name: "AcceptEnvSinceThen", host: installed + `printf '[policy]\naccept_env = true\n' >> $T/config.toml`,
			id: HookOptions, status: Degraded, what: "accept_env", mends: true},
		{name: "TimeoutSinceThen", host: installed + `printf '[collect]\ntimeout = "1h"\n' >> $T/config.toml`,
			id: HookOptions, status: Degraded, what: "10830 seconds", mends: true},

		{name: "UnderAnotherName", host: installed + `cp $H/casview-createRuntime.json $H/aaa.json`,
			id: HookTwice, status: Degraded, what: "both call casview-hook at createRuntime", mends: true},
		{name: "CopyThatIsNotRecorded", host: installed + `cp $H/casview-createRuntime.json $H/zz-copy.json`,
			id: HookTwice, status: Degraded, what: "both call casview-hook at createRuntime", mend: "rm /usr/share/containers/oci/hooks.d/zz-copy.json", mends: true},
		{name: "OfTwoInstallations",
			host: installed + `sed 's|config.toml|other.toml|' $H/casview-createRuntime.json > $H/aaa.json; cp $T/config.toml $T/other.toml`,
			id:   HookTwice, status: Broken, what: "both call casview-hook at createRuntime", mends: true},
		{name: "AsPrestart",
			host: installed + `sed 's/createRuntime"/prestart"/' $H/casview-createRuntime.json > $H/aaa.json`,
			id:   HookTwice, status: Degraded, what: "at createRuntime"},
		{name: "Hidden", host: installed + conf + `cp -r $H $T/hooks.d; sed -i 's|config.toml|other.toml|' $H/*.json
			printf '[engine]\nhooks_dir = ["%s", "%s"]\n' $H $T/hooks.d > /etc/containers/containers.conf.d/a.conf`, id: HookTwice, status: Degraded, what: "hides"},
		{name: "InAFolderThatIsNotRead", host: installed + `mkdir -p /etc/containers/oci; cp -r $H /etc/containers/oci`,
			id: HookTwice, status: Degraded, what: "second copy", mends: true},

		{name: "Once", host: installed, id: HookTwice, status: OK},
		{name: "UsersOwnBesideRoots", user: true, host: roots + users, id: HookTwice, status: OK},

		{name: "Installed", host: installed, id: HookVersion, status: OK, what: "v9.9.9-test"},
		{name: "Another", host: installed + `sed -i "s|$BIN/casview-hook|$OLD/casview-hook|" $H/*.json`,
			id: HookVersion, status: Degraded, what: "v0.0.1"},
		{name: "CantStart", host: installed + `mkdir $T/b; printf '#!/bin/sh\nexit 9\n' > $T/b/casview-hook; cp $T/b/casview-hook $T/b/casview-fsd; chmod 755 $T/b/*; sed -i "s|$BIN/casview-hook|$T/b/casview-hook|" $H/*.json`,
			id: HookVersion, status: Broken, what: "exit status 9"},
	}
	for i := range all {
		all[i].subject, all[i].args = "podman", engine
	}
	device := func(hook, inputs string) string {
		return `cat > /etc/cdi/casview.io-inputs_x.json <<END
{"cdiVersion": "0.5.0", "kind": "casview.io/inputs", "devices": [{"name": "x", "containerEdits": {"hooks": [
 {"hookName": "createRuntime", "path": "` + hook + `", "args": ["casview-hook", "--config", "$T/config.toml", "--inputs", "` + inputs + `", "createRuntime"]}]}}]}
END
`
	}
	const stored = `mkdir $T/in; echo in > $T/in/in; D=$(casview ingest $T/in 2>/dev/null); : $STATE; `
	none := "sha256:" + "0000000000000000000000000000000000000000000000000000000000000000"
	return append(all, []symptom{
		{name: "OK", host: stored + device("$BIN/casview-hook", "$D"),
			id: CDISpec, subject: "cdi", args: engine, status: OK, what: "casview.io/inputs=x"},
		{name: "NoSuchInputs", host: device("$BIN/casview-hook", none),
			id: CDISpec, subject: "cdi", args: engine, status: Broken, what: "not in the store"},
		{name: "NoSuchProgram", host: stored + device("/nowhere/casview-hook", "$D"),
			id: CDISpec, subject: "cdi", args: engine, status: Broken, what: "/nowhere/casview-hook: no such file"},
		{name: "Edited", host: stored + device("/nowhere/casview-hook", "$D"), // it lacks a hook, so that casview cdi remove refuses
			id: CDISpec, subject: "cdi", args: engine, status: Broken, what: "/nowhere/casview-hook: no such file",
			mend: "rm /etc/cdi/casview.io-inputs_x.json   # and make it again", mends: true},
		{name: "AsCasviewWroteIt", host: stored + `casview cdi --inputs $D --name y >/dev/null; sed -i "s|$BIN/casview-hook|/nowhere/casview-hook|" /etc/cdi/*`,
			id: CDISpec, subject: "cdi", args: engine, status: Broken, what: "/nowhere/casview-hook: no such file", mend: "casview cdi remove y", mends: true},
		{name: "HooksAlone", host: `casview install --engine cdi >/dev/null; sed -i "s|$BIN/casview-hook|/nowhere/casview-hook|" /etc/cdi/*`,
			id: CDISpec, subject: "cdi", args: engine, status: Broken, what: "/nowhere/casview-hook: no such file", mend: "install --engine cdi", mends: true},
		{name: "NoSuchConfiguration",
			host: device("$BIN/casview-hook", none) + `sed -i "s|$T/config.toml|/nowhere.toml|" /etc/cdi/*`,
			id:   CDISpec, subject: "cdi", args: engine, status: Broken, what: "/nowhere.toml"},
		{name: "Damaged", host: `echo '{' > /etc/cdi/casview.io-inputs_x.json`,
			id: CDISpec, subject: "cdi", args: engine, status: Broken, what: "unexpected end"},
	}...)
}

package doctor

// ID names a finding. IDs are stable: docs/troubleshooting.md has an entry for each.
type ID string

// What is looked at, on the host.
const (
	Programs           ID = "programs"
	Config             ID = "config"
	FuseFilesystem     ID = "fuse-filesystem"
	FuseDevice         ID = "fuse-device"
	FusePassthrough    ID = "fuse-passthrough"
	MountAPI           ID = "mount-api"
	Openat2            ID = "openat2"
	Landlock           ID = "landlock"
	UserNamespaces     ID = "user-namespaces"
	OverlayUserns      ID = "overlay-userns"
	IDMapTools         ID = "idmap-tools"
	SubordinateIDs     ID = "subordinate-ids"
	StateDirectory     ID = "state-directory"
	StateFilesystem    ID = "state-filesystem"
	StateOneFilesystem ID = "state-one-filesystem"
	StateOverlay       ID = "state-overlay"
	StateReflink       ID = "state-reflink"
	StateRoom          ID = "state-room"
)

// What is looked at for each engine and runtime that is found.
const (
	Engines         ID = "engines"
	Engine          ID = "engine"
	EngineSetup     ID = "engine-setup"
	EngineRestart   ID = "engine-restart"
	HooksDir        ID = "hooks-dir"
	HookFile        ID = "hook-file"
	HookProgram     ID = "hook-program"
	HookConfig      ID = "hook-config"
	HookOptions     ID = "hook-options"
	HookTwice       ID = "hook-twice"
	HookVersion     ID = "hook-version"
	RuntimeProgram  ID = "runtime-program"
	CDISpec         ID = "cdi-spec"
	RuncPoststop    ID = "runc-poststop"
	RuncEnvironment ID = "runc-environment"
	CrunCgroups     ID = "crun-cgroups"
	PodmanConmon    ID = "podman-conmon"
	KillMode        ID = "kill-mode"
	Job             ID = "job"
)

// IDs are all of them.
func IDs() []ID {
	return []ID{
		Programs, Config, FuseFilesystem, FuseDevice, FusePassthrough, MountAPI, Openat2, Landlock, UserNamespaces,
		OverlayUserns, IDMapTools, SubordinateIDs, StateDirectory, StateFilesystem, StateOneFilesystem, StateOverlay,
		StateReflink, StateRoom, Engines, Engine, EngineSetup, EngineRestart, HooksDir, HookFile, HookProgram, HookConfig,
		HookOptions, HookTwice, HookVersion, RuntimeProgram, CDISpec, RuncPoststop, RuncEnvironment, CrunCgroups,
		PodmanConmon, KillMode, Job,
	}
}

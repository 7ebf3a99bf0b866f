package rundir

import (
	"crypto/rand"
	"time"

	"github.com/casview/casview/cas/digest"
)

// Owner is the user and group that own everything in the view, as numbers of the user namespace that the hook runs in.
type Owner struct {
	UID uint32 `json:"uid"`
	GID uint32 `json:"gid"`
}

// Spec is run.json: everything that the daemon and a later collection need to know. It holds host paths, so it is never
// built from a container's annotations alone.
type Spec struct {
	// Nonce tells this run from an older or a newer one of the same name. It is a file name part and a mount source.
	Nonce string `json:"nonce"`
	// Run is the name that the run was made under. One that was moved aside since has another: see Dir.Key.
	Run RunKey `json:"run"`
	// Container is the runtime's id of the container; for a view without one it is made up.
	Container  string        `json:"container"`
	InputsRoot digest.Digest `json:"inputs_root"`
	// Target is the view's place: a path inside the container, or on the host for a view without one. Only the hook uses it.
	Target string `json:"target"`
	// Outputs are globs below Target that say which files are listed; none means all.
	Outputs []string `json:"outputs,omitempty"`
	Owner   Owner    `json:"owner"`
	// Started is when the hook was started: how long a view took counts from here.
	Started time.Time `json:"started"`
	// Label is the SELinux context of what the job sees, "" for none: see the context option of mount(8).
	Label string `json:"label,omitempty"`
	// BootID is the kernel's at that time. Another one at collection means that the host restarted, and what was written last
	// may not be on disk.
	BootID string `json:"boot_id"`
	// Store is the store's directory, and Digest the algorithm by which it stores what is new.
	Store  string `json:"store"`
	Digest string `json:"digest"`
	// Verify says when blobs are hashed again: "insert" (never) or "first-read".
	Verify string `json:"verify"`
	// MaxInputs bounds the paths of the input tree that one run looks at: a tree may name one directory in many places, and
	// so have more paths than fit into any memory. Zero is no bound.
	MaxInputs int `json:"max_inputs"`
	// Driver is the staging driver that was asked for; View.Driver is the one in force.
	Driver string `json:"driver"`
	// Data is how the fuse driver moves the content of staged files: "cached" or "passthrough". View.Data is the way in force.
	Data string `json:"data,omitempty"`
	// StagingDir is an absolute directory for upper/ and work/ instead of the run's own. It is the user's and stays.
	StagingDir string `json:"staging_dir,omitempty"`
	// Workers is how many files are hashed at once; zero is one for each CPU.
	Workers int `json:"workers"`
	// SpecialFiles says what becomes of sockets, fifos and devices: "skip" lists them, "fail" makes the result partial.
	SpecialFiles string `json:"special_files"`
	// Timeout bounds each of poststop's waits; the daemon's collection may take ten times as long.
	Timeout  time.Duration `json:"timeout_ns"`
	LogLevel string        `json:"log_level"`
}

// DriverNone is the Driver of a read-only view: nothing is staged, and the result has no outputs.
const DriverNone = "none"

// View is view.json: how the daemon made the view.
type View struct {
	PID int `json:"pid"`
	// Driver is the staging driver in force, and Reason why it was chosen.
	Driver string `json:"driver"`
	Reason string `json:"reason"`
	// Source is the mount's source in /proc/PID/mountinfo. It is unique to the run, so that whoever still holds the view can
	// be found; a device number would be reused by another mount.
	Source string `json:"source"`
	// UserXattr says that overlayfs keeps its marks in user.overlay.*, as it must in a user namespace, instead of
	// trusted.overlay.*.
	UserXattr bool `json:"user_xattr"`
	// Data is how the fuse driver moves the content of staged files, and DataReason why; empty for other drivers.
	Data       string  `json:"data,omitempty"`
	DataReason string  `json:"data_reason,omitempty"`
	ReadyMS    float64 `json:"ready_ms"`
}

// Attachment is attach.json: where the hook put the view. Created are the directories that it made for the target, and the
// file for the marker, relative to the rootfs, outermost first: poststop removes them again where they are empty.
type Attachment struct {
	Rootfs  string   `json:"rootfs"`
	Created []string `json:"created,omitempty"`
}

// Ended is ended.json.
type Ended struct {
	Time         time.Time         `json:"time"`
	FuseRequests map[string]uint64 `json:"fuse_requests"`
	// FailedPassthrough is how many opens the fuse driver could not pass through to a backing file.
	FailedPassthrough uint64 `json:"failed_passthrough,omitempty"`
	// Lost are files of which the kernel could not write back all that the job has written.
	Lost []Lost `json:"lost,omitempty"`
	// TraceError says why the trace is not whole; it is empty when it is.
	TraceError string `json:"trace_error,omitempty"`
	// Held says that the daemon had to end before the view did. The job works on without a daemon, so no later collection
	// may call its result complete.
	Held bool `json:"held,omitempty"`
}

// Lost is a file that has lost data: the inode in the staging tree, or for an input that is not staged its path.
type Lost struct {
	Dev   uint64 `json:"dev,omitempty"`
	Ino   uint64 `json:"ino,omitempty"`
	Path  []byte `json:"path"`
	Cause string `json:"cause"`
}

// MountSource is the source under which a run's view stands in mountinfo and df.
func (s Spec) MountSource() string { return "casview:" + s.Nonce }

// NewNonce returns 128 random bits that tell two runs of one name apart.
func NewNonce() string { return rand.Text() }

// Package config owns casview's one configuration file: its keys, their defaults, strict decoding of
// TOML and the checks of every value. It knows nothing of the rest of casview; the mains hand its
// values down.
package config

import (
	"bytes"
	"fmt"

	"github.com/BurntSushi/toml"
)

// Config is the whole configuration. The zero value is not usable: start from [Default] or [Load].
// It is a plain value: copies are independent except for View.AllowedTargets.
type Config struct {
	// State is the absolute path of the folder that holds store/ and runs/.
	State   string  `toml:"state"`
	Store   Store   `toml:"store"`
	View    View    `toml:"view"`
	Staging Staging `toml:"staging"`
	Collect Collect `toml:"collect"`
	GC      GC      `toml:"gc"`
	Policy  Policy  `toml:"policy"`
	Runtime Runtime `toml:"runtime"`
	Remote  Remote  `toml:"remote"`
	Log     Log     `toml:"log"`
}

// Store says how blobs are named and when they are verified.
type Store struct {
	Digest string `toml:"digest"` // sha256 or blake3
	Verify string `toml:"verify"` // insert or first-read
}

// View says where a container sees its inputs, and who owns them there.
type View struct {
	Target         string   `toml:"target"`
	AllowedTargets []string `toml:"allowed_targets"` // doublestar globs, see TargetAllowed
	Owner          string   `toml:"owner"`           // job or root
	Marker         bool     `toml:"marker"`          // whether the container has /.casview
}

// Staging chooses what catches the job's writes.
type Staging struct {
	Driver string `toml:"driver"` // auto, overlay or fuse
	Data   string `toml:"data"`   // cached or passthrough; for the fuse driver
}

// Collect says how outputs are hashed and stored when a container has ended.
type Collect struct {
	Workers      int      `toml:"workers"`       // 0: one per CPU
	SpecialFiles string   `toml:"special_files"` // skip or fail
	Timeout      Duration `toml:"timeout"`
}

// GC says what the collector of unused blobs leaves alone.
type GC struct {
	Grace       Duration `toml:"grace"`        // at least minGrace
	KeepResults Duration `toml:"keep_results"` // 0: for ever
}

// Policy limits what a container may ask for.
type Policy struct {
	AcceptEnv bool `toml:"accept_env"`
	MaxInputs int  `toml:"max_inputs"` // files, symlinks and folders of one input set
}

// Runtime names the OCI runtime that casview-runtime stands before.
type Runtime struct {
	Path string `toml:"path"` // absolute; "": the first of runc and crun that is found
}

// Remote names a remote store. This version has none, so the URL must be empty.
type Remote struct {
	URL string `toml:"url"`
}

// Log says how much is written to the logs.
type Log struct {
	Level string `toml:"level"` // debug, info, warn or error
}

// TOML returns c as a TOML document without comments, in the order of the struct. Loading it gives
// c again.
func (c Config) TOML() (string, error) {
	var b bytes.Buffer
	enc := toml.NewEncoder(&b)
	enc.Indent = ""
	if err := enc.Encode(c); err != nil {
		return "", fmt.Errorf("write the configuration as TOML: %w", err)
	}
	return b.String(), nil
}

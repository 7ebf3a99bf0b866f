package config

import (
	_ "embed"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
)

// defaultFile is the documented configuration, written for root.
//
//go:embed default.toml
var defaultFile string

// Default is the configuration where no file says otherwise. State is /var/lib/casview for root; for
// others, also for uid 0 of a rootless engine's user namespace, $XDG_DATA_HOME/casview or
// ~/.local/share/casview. State is "", which Check refuses, if such a user has no known home.
func Default() Config { return defaultFor(thisHost()) }

// DefaultPath is the file that [Load] reads when none is named: /etc/casview/config.toml for root,
// else $XDG_CONFIG_HOME/casview/config.toml or ~/.config/casview/config.toml.
func DefaultPath() string { return thisHost().configFile() }

// DefaultTOML is a configuration file with every key at its default and a comment about each. It
// loads as exactly [Default].
func DefaultTOML() string { return defaultTOMLFor(thisHost()) }

func defaultFor(h host) Config {
	return Config{
		State: h.stateDir(),
		Store: Store{Digest: "sha256", Verify: "insert"},
		View: View{
			Target:         "/workspace",
			AllowedTargets: []string{"/workspace", "/work", "/src"},
			Owner:          "job",
		},
		Staging: Staging{Driver: "auto", Data: "cached"},
		Collect: Collect{SpecialFiles: "skip", Timeout: Duration{5 * time.Minute}},
		GC:      GC{Grace: Duration{24 * time.Hour}},
		Policy:  Policy{MaxInputs: 10_000_000},
		Log:     Log{Level: "info"},
	}
}

func defaultTOMLFor(h host) string {
	const root = `state = "/var/lib/casview"`
	return strings.Replace(defaultFile, root, "state = "+quote(h.stateDir()), 1)
}

// quote writes a TOML string by the library's rules.
func quote(s string) string {
	var b strings.Builder
	// Encoding a string to memory has no way to fail.
	_ = toml.NewEncoder(&b).Encode(map[string]string{"s": s})
	return strings.TrimSpace(strings.TrimPrefix(b.String(), "s = "))
}

package config

import (
	"strings"
	"testing"
	"time"
)

func TestCheckNamesTheKey(t *testing.T) {
	cases := []struct {
		spoil func(*Config)
		want  string
	}{
		{func(c *Config) { c.State = "" }, "state: is empty"},
		{func(c *Config) { c.State = "a/b" }, `state: "a/b" is not an absolute path`},
		{func(c *Config) { c.State = "//" }, "is the root folder"},
		{func(c *Config) { c.State = "/a\x00" }, "NUL"},
		{func(c *Config) { c.Store.Digest = "md5" }, `store.digest: "md5" is not one of sha256, blake3`},
		{func(c *Config) { c.Store.Verify = "" }, `store.verify: "" is not one of insert, first-read`},
		{func(c *Config) { c.View.Target = "/workspace/" }, `view.target: "/workspace/" is not a clean absolute path`},
		{func(c *Config) { c.View.Target = "/" }, "view.target: "},
		{func(c *Config) { c.View.Target = "/etc" }, `view.target: "/etc" is not in view.allowed_targets`},
		{func(c *Config) { c.View.AllowedTargets = nil }, "view.target: "},
		{func(c *Config) { c.View.AllowedTargets = []string{"work"} }, `view.allowed_targets: "work" does not start with /`},
		{func(c *Config) { c.View.AllowedTargets = []string{"/a["} }, `view.allowed_targets: "/a[" is not a valid glob`},
		{func(c *Config) { c.View.Owner = "me" }, "view.owner: "},
		{func(c *Config) { c.Staging.Driver = "ovl" }, `staging.driver: "ovl" is not one of auto, overlay, fuse`},
		{func(c *Config) { c.Staging.Data = "fast" }, `staging.data: "fast" is not one of cached, passthrough`},
		{func(c *Config) { c.Collect.Workers = -1 }, "collect.workers: -1 is not between 0 and 1024"},
		{func(c *Config) { c.Collect.Workers = 5000 }, "collect.workers: "},
		{func(c *Config) { c.Collect.SpecialFiles = "keep" }, "collect.special_files: "},
		{func(c *Config) { c.Collect.Timeout = Duration{} }, `collect.timeout: "0s" is not above zero`},
		{func(c *Config) { c.Collect.Timeout = Duration{-time.Second} }, "collect.timeout: "},
		{func(c *Config) { c.Policy.MaxInputs = 0 }, "policy.max_inputs: 0 is less than 1"},
		{func(c *Config) { c.Runtime.Path = "crun" }, `runtime.path: "crun" is not an absolute path`},
		{func(c *Config) { c.Runtime.Path = "/a\x00" }, "runtime.path: "},
		{func(c *Config) { c.Remote.URL = "grpc://h" }, "remote.url: "},
		{func(c *Config) { c.Log.Level = "INFO" }, `log.level: "INFO" is not one of debug, info, warn, error`},
	}
	for _, c := range cases {
		t.Run(c.want, func(t *testing.T) {
			cfg := defaultFor(host{})
			if err := cfg.Check(); err != nil {
				t.Fatalf("the default: %v", err)
			}
			c.spoil(&cfg)
			if err := cfg.Check(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestTargetAllowed(t *testing.T) {
	v := View{AllowedTargets: []string{"/workspace", "/src/*", "/deep/**", "/{a,b}"}}
	cases := map[string]bool{
		"/workspace":     true,
		"/workspace/sub": false,
		"/workspaces":    false,
		"/src/x":         true,
		"/src":           false,
		"/src/x/y":       false,
		"/deep/x/y":      true,
		"/b":             true,
		"/c":             false,
		"workspace":      false,
		"":               false,
		"/":              false,
		"/workspace/":    false,
		"/src/..":        false,
		"/deep/../etc":   false,
		"/deep//x":       false,
		"/deep/x\x00":    false,
	}
	for target, want := range cases {
		if got := v.TargetAllowed(target); got != want {
			t.Errorf("%q: got %t, want %t", target, got, want)
		}
	}
	if (View{AllowedTargets: []string{"/**"}}).TargetAllowed("/") {
		t.Error("the container's root was allowed as a target")
	}
}

func TestDurationText(t *testing.T) {
	for text, want := range map[string]string{
		"5m": "5m", "1h": "1h", "90s": "1m30s", "1h0m5s": "1h0m5s", "100ms": "100ms", "0s": "0s", "20h10m": "20h10m",
	} {
		var d Duration
		if err := d.UnmarshalText([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, _ := d.MarshalText(); string(got) != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

package version

import (
	"runtime/debug"
	"testing"
)

func TestChoose(t *testing.T) {
	module := func(v string) *debug.BuildInfo { return &debug.BuildInfo{Main: debug.Module{Version: v}} }
	cases := []struct {
		name, stamp string
		info        *debug.BuildInfo
		want        string
	}{
		{"stamped", "v1-2-gabc", module("v0.9.0"), "v1-2-gabc"},
		{"go install", "", module("v0.9.0"), "v0.9.0"},
		{"go build in a checkout", "", module("(devel)"), "devel"},
		{"no module version", "", module(""), "devel"},
		{"no build information", "", nil, "devel"},
	}
	for _, c := range cases {
		if got := choose(c.stamp, c.info); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

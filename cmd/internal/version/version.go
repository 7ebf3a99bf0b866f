// Package version owns the version that the three programs report. `make build` stamps it with
//
//	-ldflags "-X github.com/casview/casview/cmd/internal/version.stamp=$(git describe ...)"
package version

import "runtime/debug"

// stamp is set by the linker, which can only set a variable.
var stamp string

// String is the stamped version such as "v0.1.0-3-g6ca2f01"; else the module version, which
// `go install ...@v0.1.0` leaves in the binary; else "devel". It has no spaces.
func String() string {
	info, _ := debug.ReadBuildInfo()
	return choose(stamp, info)
}

func choose(stamp string, info *debug.BuildInfo) string {
	if stamp != "" {
		return stamp
	}
	if info != nil && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "devel"
}

// Package e2e holds the end-to-end tests: the real binaries under the real engines (runc, crun, podman with and without
// root, containerd) with real jobs. It has no code of its own.
//
// A test asks for an engine, gives it a job and reads the result. What every engine must do is in TestEngines; what
// does not depend on the engine runs on runc alone. What a job can do with files is in package posix, a test binary that
// runs inside a container (and, so that its expectations are known to be right, on the host's filesystem as well).
//
// Engines newer than Debian's are for `make test-engines`, which builds them first: files newer_*_test.go, with the build tag
// engines.
//
// The tests need root and /dev/fuse and skip without them; nothing else skips, so an engine that does not run is a
// failure that says why.
package e2e

// Package conformance is the suite that every staging driver must pass: the same tests on each of them, through a real
// mount that another process serves, and on a plain directory beside it where there is a question what is right.
//
// The serving process is the test binary itself, so it has the race detector whenever the tests have, and whatever it
// prints to stderr fails the test. All of it lives in a mount namespace of its own: a run that dies leaves no mount.
//
//	harness   a view at a directory, and its result
//	model     random operations on a view and on a plain directory, which must not differ
//	trace     one job on every driver; the results must not differ
//	fsx       random changes of files by several processes, each byte compared with a copy in memory
//	trap      one named test for each thing that a filesystem of layers, or one behind FUSE, easily gets wrong
//	posix     go-fuse's tests for filesystems
//	real      programs that ask a lot of a filesystem
package conformance

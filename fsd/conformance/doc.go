// Package conformance is the suite that every staging driver must pass: the same tests on each of them, through a real
// mount that another process serves, and on a plain directory beside it where there is a question what is right.
//
// The serving process is the test binary itself, so it has the race detector whenever the tests have, and whatever it
// prints to stderr fails the test. All of it lives in a mount namespace of its own: a run that dies leaves no mount.
//
//	harness   a view at a directory, and its result
//	model     random operations on a view and on a plain directory, which must not differ
//	trace     one job on every driver; the results must not differ
package conformance

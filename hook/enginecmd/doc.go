// Package enginecmd owns the command lines of container engines: it finds where `podman run`, `docker run`, `nerdctl run`
// and `ctr run` take their options, and puts annotations there. It changes nothing else and never guesses: a command
// that it does not understand is an error that says how to write it.
package enginecmd

// Package enginecmd owns the command lines of container engines: it finds where `podman run`, `docker run`, `nerdctl run`
// and `ctr run` take their options, and puts there what asks for a view: annotations or variables, and casview-runtime. It
// knows how to wait for a detached container. Nothing else of the caller's changes, but for the `--rm` of such a container.
// It never guesses: a command that it does not understand is an error that says how to write it.
package enginecmd

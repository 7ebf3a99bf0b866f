// Package state owns what a runtime tells a hook about a container: the OCI state on stdin, the bundle's config.json, and
// the io.casview.* annotations in them. Everything it returns has been checked; nothing in it touches the container.
package state

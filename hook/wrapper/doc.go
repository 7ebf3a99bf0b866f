// Package wrapper owns casview-runtime, which engines start in place of runc or crun: where a container that is to be made
// asks for casview, its hooks are added to the bundle's config.json. Then, and for everything else at once, the real runtime
// takes over the process.
//
// It is for engines without OCI hooks of their own, as Docker and BuildKit. It is on the way of every container of its
// engine, and of every call of the runtime, so it does nothing that can wait: a container that does not ask for casview is
// not parsed, and no mistake in casview's configuration stops it.
package wrapper

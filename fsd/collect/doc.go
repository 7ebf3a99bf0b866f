// Package collect owns what happens when a view has ended: from the staging tree on disk and the input tree in the store
// it makes the result, and moves the job's files into the store. It knows nothing of mounts, containers or daemons.
//
// The staging tree is an overlayfs upper directory (see fsd/staging/upper), so three directories meet at every path: the
// staged one, the input directory that it is merged with (another one after a rename, none for a directory the job made),
// and what was declared at this very path. The staged and the merged one say what is there now, the declared one what has
// become of the inputs.
//
// Collection goes through these steps, each in its file:
//
//	walk     classify what is staged; nothing is opened but directories
//	select   output globs, hardlink groups
//	hash     read each file once, in parallel
//	plan     write the result as it will be, durably: from here on files may leave the staging tree
//	adopt    move each file into the store
//	publish  outputs_root, one syncfs, result.json
//
// A collection that dies is simply done again. Before the plan nothing has moved; after it, what is not in the staging
// tree any more is in the store under the digest that the plan names, and the plan also keeps what the walk can't see
// twice: mtimes of directories that have lost files since, inputs that were modified.
package collect

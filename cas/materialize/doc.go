// Package materialize writes a tree, or a job's outputs, from the store into an ordinary directory. It owns the promises
// made for that directory: each file appears whole, nothing is written outside, and no file in it is a file of the store.
//
// Items come from elsewhere (a job's result, somebody's tree) and the directory may have been prepared by somebody, so
// neither is trusted: every name is reached by handle from the directory, and a symlink on the way is an error. Permission
// bits are set as they are given, setuid and setgid included, on files that belong to the caller: do not materialize a
// stranger's outputs as root where other users can reach them.
package materialize

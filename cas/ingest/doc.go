// Package ingest stores a directory of this host, or the listed part of it, in the store and gives the root digest of its
// tree. It owns the index that lets a second run over unchanged files do with looking at them.
//
// A run has three steps: look at every path (scan.go, visible.go), read the files that the index doesn't know
// (read.go), and build the tree. Nothing is followed or opened by its path string: everything is reached by handle below
// the directory, symlinks are stored as such.
package ingest

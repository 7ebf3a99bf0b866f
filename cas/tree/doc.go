// Package tree owns the Merkle tree: which paths exist, as REAPI v2 Directory
// messages (build.bazel.remote.execution.v2) that refer to each other and to
// file contents by digest. It reads and writes those messages, builds a tree
// from entries or from an input manifest, and knows nothing of where blobs live.
//
// The messages are encoded by hand over protowire: linking the generated
// remote-apis types links gRPC, which every start of fsd would pay for.
//
// Paths are Go strings of raw bytes, relative, '/'-separated and normalised (see
// [CheckPath]); the root is "". Inside a message names are UTF-8 (see package utf8name).
package tree

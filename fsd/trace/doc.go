// Package trace owns the record of what a job saw of its view: which inputs it read, which directories it listed, which
// names it asked for and did not get, and which inputs the store could not deliver. It writes one event at a time while
// the job runs, and reads them back as sorted lists when outputs are collected.
//
// # On disk
//
// A trace is a sequence of records, each appended with one write(2) and nothing buffered, so that it survives the death
// of the process that writes it. It is not synced: after a power cut the last records may be missing or torn.
//
//	4 bytes   length of the body, little-endian
//	1 byte    kind: 1 read, 2 listed, 3 absent, 4 fault
//	body      read, listed, absent: the path
//	          fault: path, digest and cause, each after its own length as a uvarint
//
// Paths are raw bytes relative to the view's root; the root itself is the empty path. The same event may be recorded
// more than once.
package trace

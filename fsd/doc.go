// Package fsd owns the life of one view, from the mount to the result: it serves the view, waits until the container's
// mount namespace is gone, and collects. It is a process of its own, started by whoever gives the mount its place.
package fsd

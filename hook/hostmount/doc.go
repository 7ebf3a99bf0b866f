// Package hostmount owns a view without a container: it starts the daemon of a run, attaches its mount to a directory of
// this mount namespace, and takes it away again. It is what `casview mount` does, for looking at trees and for tests.
package hostmount

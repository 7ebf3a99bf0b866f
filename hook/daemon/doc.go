// Package daemon owns starting casview-fsd and everything that is said to it from outside: the handshake over which its
// mount arrives, finding a daemon that somebody else started, and finishing the work of a dead one.
package daemon

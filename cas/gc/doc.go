// Package gc removes from a store what nothing uses any more: it marks all that is reachable from what is in use, and sweeps the
// rest, unless that was stored or kept a short time ago. It may run at any time, beside everything else that uses the store.
//
// What is in use only the rooms above know; they say so as [Users]. Nothing that is used is lost, because
//
//   - what is stored, or found to be there already by whoever needs it, is young, and nothing young is removed. It stays so for
//     longer than it takes until a run, a result or somebody's variable names it;
//   - what is not young goes to the store's trash first, where runs that began after the marking still read it;
//   - the trash is emptied at a moment at which no run can begin, and only if all that have begun are marked. A run that begins
//     later finds the root of its inputs missing, and is refused;
//   - a collector that dies leaves a trash which can be read, and which the next one puts back.
package gc

// Package rundir owns the run directory, `<state>/runs/<run>/`: the only thing that the hook, the daemon and the CLI
// share. The hook creates it, the daemon fills it, and whoever holds its lock may change it.
//
//	lock         flock held by the daemon for its life, and by whoever collects afterwards
//	run.json     what was asked for (Spec), written before the directory gets its name
//	view.json    how the view was made (View), written by the daemon when the view is ready
//	attach.json  where the hook is about to put it (Attachment)
//	staging/     upper/ and work/: what the job writes, in overlayfs upper format
//	trace        what the job read, appended as it happens
//	ended.json   the daemon saw the view end (Ended): what follows is collection
//	plan.json    the collection's result before the first file moves into the store
//	result.json  the result; its presence means that the run is over
//	reserve      a little preallocated room, so that a result can be written on a full disk
//	log          the run's log
package rundir

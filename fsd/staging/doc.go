// Package staging owns the writable tree of a view: what the job writes lands in a directory on disk, the staging tree,
// and the view below it never changes.
//
// # One format
//
// The staging tree is in overlayfs upper format (kernel: Documentation/filesystems/overlayfs.rst), whichever driver wrote
// it. Package upper holds its definitions. Collection reads that directory and nothing else, so a daemon that dies loses
// nothing that the job wrote.
//
// # Drivers
//
// A Driver turns a view and a staging tree into one detached mount. Detached means that no mount namespace shows it: the
// descriptor is handed to the hook, which gives it a place in one container. Overlay is the kernel's overlayfs with the
// view as its lower layer. ReadOnly stages nothing.
//
// # What keeps a view alive
//
// Overlayfs holds a private clone of the lower mount. Once the daemon has given away the detached overlay mount and
// unmounted the FUSE mount from its own namespace, the container's mount is the only thing that keeps both alive. When the
// container's mount namespace goes, overlayfs goes, its clone goes, and the FUSE connection ends with ENODEV: that is how
// the daemon learns that the job is over, whatever happened to the runtime.
//
// # Why nothing goes by path
//
// Overlayfs gets its layers as /proc/self/fd/N. That has no length limit, no ':' or ',' to escape (both mean something in
// overlayfs options), and a job that reads its own mountinfo learns nothing about the host's directories.
package staging

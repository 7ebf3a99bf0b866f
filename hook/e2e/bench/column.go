package main

// column is one way to give a job its inputs and to take what it writes.
type column struct {
	name string
	// driver and data are those of a view; without a driver casview has nothing to do with it.
	driver, data string
}

var (
	native      = column{name: "native"}
	overlay     = column{name: "overlay", driver: "overlay", data: "cached"}
	fuse        = column{name: "fuse", driver: "fuse", data: "cached"}
	passthrough = column{name: "passthrough", driver: "fuse", data: "passthrough"}

	// Peers: what others use.
	fuseOverlayfs = column{name: "fuse-overlayfs"}
	bindMount     = column{name: "bind"}
)

// drivers are the columns of most rows, in the order of their turns.
func drivers() []column { return []column{native, overlay, fuse} }

func peers() []column { return []column{fuseOverlayfs, bindMount} }

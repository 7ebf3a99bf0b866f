// Package attach owns giving a detached mount its place in a container: it enters the container's mount namespace, finds
// the target below the root filesystem by handle, and moves the mount onto it. An image can plant any symlink, so no path
// inside the root filesystem is ever used as a string where the kernel would follow it out.
package attach

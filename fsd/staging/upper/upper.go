// Package upper owns the marks of the staging tree's on-disk format, which is that of an overlayfs upper directory: how
// a deleted, an opaque and a renamed input directory look. Whoever writes a staging tree and whoever reads it use these
// definitions (kernel: Documentation/filesystems/overlayfs.rst, fs/overlayfs/namei.c).
//
// A Writer makes marks, Xattrs reads them.
package upper

import "strings"

// Xattrs is the namespace in which marks are kept.
type Xattrs string

// The two namespaces. Trusted attributes read as absent without CAP_SYS_ADMIN in the first user namespace: whoever
// reads marks there without it takes an opaque directory for a merged one, and is not told.
const (
	Trusted Xattrs = "trusted.overlay."
	User    Xattrs = "user.overlay."
)

// XattrsFor is the namespace of a view: User where its marks are in user.overlay.*.
func XattrsFor(userXattr bool) Xattrs {
	if userXattr {
		return User
	}
	return Trusted
}

// IsMark says whether an attribute is one of overlayfs's own, in either namespace. A job neither sees nor sets them:
// with one it could hide an input from collection. It covers the marks of an overlayfs on an overlayfs too, which the
// kernel keeps as trusted.overlay.overlay.* since Linux 6.7.
func IsMark(name string) bool {
	return strings.HasPrefix(name, string(Trusted)) || strings.HasPrefix(name, string(User))
}

// Values of the attribute that Xattrs.Opaque names.
const (
	// OpaqueValue marks a directory that hides the input directory of its path.
	OpaqueValue = "y"
	// XattrWhiteoutsValue marks a merged directory, the tree's top too, in which empty files may be whiteouts. Overlayfs
	// has it since Linux 6.8 (6.7 had another mark) and needs it to list the directory, not to look up a name; it takes
	// no notice of it in its upper and in its last lower layer.
	XattrWhiteoutsValue = "x"
)

// Opaque is the attribute of a directory that says how it is merged with the input directory of its path.
func (x Xattrs) Opaque() string { return x.name("trusted.overlay.opaque", "user.overlay.opaque") }

// Redirect is the attribute of a renamed input directory: where it was. See Marks.
func (x Xattrs) Redirect() string { return x.name("trusted.overlay.redirect", "user.overlay.redirect") }

// Whiteout is the attribute that makes a whiteout of an empty regular file. Its value does not matter.
func (x Xattrs) Whiteout() string { return x.name("trusted.overlay.whiteout", "user.overlay.whiteout") }

// Metacopy is the attribute of a file whose data is still only in the inputs. casview never mounts with metacopy=on.
func (x Xattrs) Metacopy() string { return x.name("trusted.overlay.metacopy", "user.overlay.metacopy") }

// name chooses between constants: names are needed at every lookup, and joining strings allocates.
func (x Xattrs) name(trusted, user string) string {
	if x == User {
		return user
	}
	return trusted
}

// Package upper owns the marks of the staging tree's on-disk format, which is that of an overlayfs upper directory: how a
// deleted, an opaque and a renamed input directory look. Whoever writes a staging tree and whoever reads it use these
// definitions (kernel: Documentation/filesystems/overlayfs.rst, fs/overlayfs/namei.c).
package upper

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// A whiteout is a character device with number 0:0: the input of this name was deleted.
const (
	WhiteoutMode = unix.S_IFCHR
	WhiteoutDev  = 0
)

// IsWhiteout says whether a file in the staging tree is a whiteout.
func IsWhiteout(st *unix.Stat_t) bool {
	return st.Mode&unix.S_IFMT == unix.S_IFCHR && st.Rdev == WhiteoutDev
}

// Xattrs is the namespace in which marks are kept.
type Xattrs string

// The two namespaces. Trusted attributes read as absent without CAP_SYS_ADMIN in the first user namespace: whoever reads
// marks there without it takes an opaque directory for a merged one, and is not told.
const (
	Trusted Xattrs = "trusted.overlay."
	User    Xattrs = "user.overlay."
)

// XattrsFor is the namespace of a view: User where overlayfs was mounted with userxattr.
func XattrsFor(userXattr bool) Xattrs {
	if userXattr {
		return User
	}
	return Trusted
}

// OpaqueValue marks a directory that hides the input directory of its path.
const OpaqueValue = "y"

// Opaque is the attribute of a directory that hides the input directory of its path (value OpaqueValue).
func (x Xattrs) Opaque() string { return string(x) + "opaque" }

// Redirect is the attribute of a renamed input directory: where it was. See Marks.
func (x Xattrs) Redirect() string { return string(x) + "redirect" }

// Metacopy is the attribute of a file whose data is still only in the inputs. casview never mounts with metacopy=on.
func (x Xattrs) Metacopy() string { return string(x) + "metacopy" }

// Marks is what the attributes of a directory say. Opaque wins over Redirect. Redirect is "" for none, a name in the
// input directory that the parent is merged with, or a path from the inputs' root that starts with '/'.
type Marks struct {
	Opaque   bool
	Redirect string
}

// Read returns the marks of a directory that is open for reading (not O_PATH). A redirect that overlayfs would refuse is
// an error.
func (x Xattrs) Read(dir *os.File) (Marks, error) {
	opaque, err := Value(dir, x.Opaque())
	if err != nil {
		return Marks{}, err
	}
	if string(opaque) == OpaqueValue {
		return Marks{Opaque: true}, nil
	}
	redirect, err := Value(dir, x.Redirect())
	if err != nil {
		return Marks{}, err
	}
	m := Marks{Redirect: string(bytes.TrimSuffix(redirect, []byte{0}))}
	if !validRedirect(m.Redirect) {
		return Marks{}, fmt.Errorf("%s: %q is not a redirect", x.Redirect(), m.Redirect)
	}
	return m, nil
}

func validRedirect(s string) bool {
	rest, absolute := strings.CutPrefix(s, "/")
	if s == "" {
		return true
	}
	if !absolute && strings.Contains(s, "/") {
		return false
	}
	for part := range strings.SplitSeq(rest, "/") {
		if part == "" || part == "." || part == ".." || strings.IndexByte(part, 0) >= 0 {
			return false
		}
	}
	return true
}

// Value reads one extended attribute of an open file; nil when it is not there.
func Value(f *os.File, name string) ([]byte, error) {
	for size := 256; ; {
		buf := make([]byte, size)
		n, err := unix.Fgetxattr(int(f.Fd()), name, buf)
		switch {
		case err == nil:
			return buf[:n], nil
		case errors.Is(err, unix.ENODATA), errors.Is(err, unix.EOPNOTSUPP):
			return nil, nil
		case errors.Is(err, unix.ERANGE) && size < maxValue:
			size = maxValue
		default:
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
}

const maxValue = 64 << 10 // XATTR_SIZE_MAX

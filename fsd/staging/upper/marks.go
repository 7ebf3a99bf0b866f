package upper

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// Marks is what the attributes of a directory say.
type Marks struct {
	// Opaque hides the input directory. It wins over Redirect, and there is nothing for whiteouts to hide.
	Opaque bool
	// XattrWhiteouts says that empty files may be whiteouts; see Xattrs.IsWhiteout.
	XattrWhiteouts bool
	// Redirect is "" for none, a name in the input directory that the parent is merged with, or a path from the inputs'
	// root that starts with '/'.
	Redirect string
}

// Read returns the marks of a directory that is open for reading (not O_PATH). A redirect that overlayfs would refuse
// is an error.
func (x Xattrs) Read(dir *os.File) (Marks, error) {
	opaque, err := x.opaque(dir)
	if err != nil {
		return Marks{}, err
	}
	if opaque == OpaqueValue {
		return Marks{Opaque: true}, nil
	}
	redirect, err := Value(dir, x.Redirect())
	if err != nil {
		return Marks{}, err
	}
	m := Marks{
		XattrWhiteouts: opaque == XattrWhiteoutsValue,
		Redirect:       string(bytes.TrimSuffix(redirect, []byte{0})),
	}
	if m.Redirect != "" && !validRedirect(m.Redirect) {
		return Marks{}, fmt.Errorf("%s: %q is not a redirect", x.Redirect(), m.Redirect)
	}
	return m, nil
}

// opaque returns OpaqueValue, XattrWhiteoutsValue, or "" for all else: overlayfs too reads one byte and takes no notice
// of other values.
func (x Xattrs) opaque(dir *os.File) (string, error) {
	var value [1]byte
	n, err := unix.Fgetxattr(int(dir.Fd()), x.Opaque(), value[:])
	switch {
	case err == nil && n == 1 && value[0] == OpaqueValue[0]:
		return OpaqueValue, nil
	case err == nil && n == 1 && value[0] == XattrWhiteoutsValue[0]:
		return XattrWhiteoutsValue, nil
	case err == nil, isAbsent(err), errors.Is(err, unix.ERANGE):
		return "", nil
	}
	return "", fmt.Errorf("%s: %w", x.Opaque(), err)
}

func validRedirect(s string) bool {
	rest, absolute := strings.CutPrefix(s, "/")
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
	var small [256]byte
	buf := small[:]
	for {
		n, err := unix.Fgetxattr(int(f.Fd()), name, buf)
		switch {
		case err == nil:
			return append(make([]byte, 0, n), buf[:n]...), nil
		case isAbsent(err):
			return nil, nil
		case errors.Is(err, unix.ERANGE) && len(buf) < maxValue:
			buf = make([]byte, maxValue)
		default:
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
}

const maxValue = 64 << 10 // XATTR_SIZE_MAX

// isAbsent says that there is no such attribute, or that the filesystem has none.
func isAbsent(err error) bool { return errors.Is(err, unix.ENODATA) || errors.Is(err, unix.EOPNOTSUPP) }

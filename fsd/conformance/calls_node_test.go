package conformance

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// nodeCalls are about what an inode looks like.
var nodeCalls = map[string]callFunc{
	"chmod": func(_ *caller, a *args) (string, error) { return "", unix.Chmod(a.str(0), a.octal(1)) },
	"chown": func(_ *caller, a *args) (string, error) {
		return "", unix.Lchown(a.str(0), int(a.number(1)), int(a.number(2)))
	},
	"truncate": func(_ *caller, a *args) (string, error) { return "", unix.Truncate(a.str(0), a.number(1)) },
	// touch PATH now: utimensat without times, which who may write may do. touch PATH SECONDS: only the owner.
	"touch": func(_ *caller, a *args) (string, error) {
		if a.str(1) == "now" {
			return "", unix.UtimesNanoAt(unix.AT_FDCWD, a.str(0), nil, unix.AT_SYMLINK_NOFOLLOW)
		}
		ts := unix.Timespec{Sec: a.number(1)}
		return "", unix.UtimesNanoAt(unix.AT_FDCWD, a.str(0), []unix.Timespec{ts, ts}, unix.AT_SYMLINK_NOFOLLOW)
	},
	// stat PATH FIELD..., fstat NAME FIELD...
	"stat": func(_ *caller, a *args) (string, error) {
		return statTwice(unix.AT_FDCWD, a.str(0), unix.AT_SYMLINK_NOFOLLOW, a.list[1:])
	},
	"fstat": func(c *caller, a *args) (string, error) {
		return statTwice(c.fd(a, 0), "", unix.AT_EMPTY_PATH, a.list[1:])
	},
	// statfs PATH: the longest name
	"statfs": func(_ *caller, a *args) (string, error) {
		var st unix.Statfs_t
		err := unix.Statfs(a.str(0), &st)
		return strconv.FormatInt(st.Namelen, 10), err
	},
	"readlink": func(_ *caller, a *args) (string, error) {
		buf := make([]byte, unix.PathMax)
		n, err := unix.Readlink(a.str(0), buf)
		return string(buf[:max(n, 0)]), err
	},
	// setxattr PATH NAME VALUE [FLAG]
	"setxattr": func(_ *caller, a *args) (string, error) {
		flags := 0
		if len(a.list) > 3 {
			flags = a.flags(3, map[string]int{"XATTR_CREATE": unix.XATTR_CREATE, "XATTR_REPLACE": unix.XATTR_REPLACE})
		}
		return "", unix.Lsetxattr(a.str(0), a.str(1), []byte(a.str(2)), flags)
	},
	"getxattr": func(_ *caller, a *args) (string, error) {
		buf := make([]byte, 64<<10)
		n, err := unix.Lgetxattr(a.str(0), a.str(1), buf)
		return string(buf[:max(n, 0)]), err
	},
	"removexattr": func(_ *caller, a *args) (string, error) { return "", unix.Lremovexattr(a.str(0), a.str(1)) },
	// listxattr is the sorted names, less those of a security module.
	"listxattr": func(_ *caller, a *args) (string, error) {
		buf := make([]byte, 64<<10)
		n, err := unix.Llistxattr(a.str(0), buf)
		names := strings.FieldsFunc(string(buf[:max(n, 0)]), func(r rune) bool { return r == 0 })
		names = slices.DeleteFunc(names, func(s string) bool { return strings.HasPrefix(s, "security.") })
		slices.Sort(names)
		return strings.Join(names, " "), err
	},
}

// statTwice tells what the kernel says by itself, which must be what it says after it has asked the filesystem.
func statTwice(dir int, path string, flags int, names []string) (string, error) {
	var st unix.Stat_t
	if err := unix.Fstatat(dir, path, &st, flags); err != nil {
		return "", err
	}
	var asked unix.Statx_t
	if err := unix.Statx(dir, path, flags|unix.AT_STATX_FORCE_SYNC, unix.STATX_BASIC_STATS, &asked); err != nil {
		return "", err
	}
	cached := fields(&st, names)
	st.Mode, st.Uid, st.Gid, st.Ino = uint32(asked.Mode), asked.Uid, asked.Gid, asked.Ino
	st.Nlink, st.Size = uint64(asked.Nlink), int64(asked.Size)
	if now := fields(&st, names); now != cached {
		return "", fmt.Errorf("the kernel has %q, the filesystem says %q", cached, now)
	}
	return cached, nil
}

// fields shows some of what stat(2) says.
func fields(st *unix.Stat_t, names []string) string {
	out := make([]string, len(names))
	for i, name := range names {
		switch name {
		case "mode":
			out[i] = fmt.Sprintf("%04o", st.Mode&0o7777)
		case "type":
			out[i] = typeNames[st.Mode&unix.S_IFMT]
		case "uid":
			out[i] = strconv.Itoa(int(st.Uid))
		case "gid":
			out[i] = strconv.Itoa(int(st.Gid))
		case "nlink":
			out[i] = strconv.Itoa(int(st.Nlink))
		case "size":
			out[i] = strconv.FormatInt(st.Size, 10)
		case "ino":
			out[i] = strconv.FormatUint(st.Ino, 10)
		}
	}
	return strings.Join(out, " ")
}

var typeNames = map[uint32]string{
	unix.S_IFREG: "file", unix.S_IFDIR: "dir", unix.S_IFLNK: "symlink", unix.S_IFIFO: "fifo", unix.S_IFSOCK: "socket",
	unix.S_IFCHR: "char", unix.S_IFBLK: "block",
}

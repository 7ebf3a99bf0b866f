package attach

import (
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/fsd/rundir"
)

// marked attaches a view at /workspace and a marker with the text "the marker".
func marked(t *testing.T, c container) (rundir.Attachment, error) {
	t.Helper()
	path := t.TempDir() + "/marker.json"
	must(t, os.WriteFile(path, []byte("the marker"), 0o444))
	r := c.request("/workspace")
	r.Marker, r.Root = true, rundir.Owner{UID: firstSubID, GID: firstSubID + 1}
	view := detached(t)
	p, a, err := Find(r)
	if err != nil {
		return a, err
	}
	defer p.Close()
	marker, err := ReadOnlyFile(path)
	must(t, err)
	defer marker.Close()
	must(t, p.Mount(view))
	return a, p.Mark(marker)
}

func TestMarker(t *testing.T) {
	cases := []struct {
		name, setup string
		image       func(t *testing.T, rootfs string)
		made        bool
	}{
		{"made", bindRootfs, func(*testing.T, string) {}, true},
		{"a file of the image is covered", bindRootfs, func(t *testing.T, r string) {
			must(t, os.WriteFile(r+"/.casview", []byte("forged"), 0o644))
		}, false},
		{"a mount is covered", bindRootfs + ` && mount --bind /proc/version "$R/.casview"`, func(t *testing.T, r string) {
			file(t, r+"/.casview")
		}, false},
		{"read-only root with a file", bindRootfs + ` && mount -o remount,bind,ro "$R"`, func(t *testing.T, r string) {
			file(t, r+"/.casview")
			mkdir(t, r, "workspace")
		}, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			rootfs := t.TempDir()
			c.image(t, rootfs)
			before := tree(t, rootfs)
			box := newContainer(t, rootfs, "private", c.setup)
			a, err := marked(t, box)
			must(t, err)
			if got := slices.Contains(a.Created, Marker); got != c.made {
				t.Errorf("created %q", a.Created)
			}
			if b, err := os.ReadFile(box.inside(Marker)); string(b) != "the marker" {
				t.Errorf("in the container: %q, %v", b, err)
			}
			if err := os.WriteFile(box.inside(Marker), nil, 0); !errors.Is(err, unix.EROFS) {
				t.Errorf("writing to it: %v", err)
			}
			if b, _ := os.ReadFile(rootfs + "/" + Marker); string(b) == "the marker" {
				t.Error("the host sees it")
			}
			var st unix.Stat_t
			must(t, unix.Stat(rootfs+"/"+Marker, &st))
			if c.made && (st.Uid != firstSubID || st.Gid != firstSubID+1 || st.Mode != unix.S_IFREG|markerMode) {
				t.Errorf("the file belongs to %d:%d, mode %o", st.Uid, st.Gid, st.Mode)
			}
			must(t, Remove(a))
			if _, err := os.ReadFile(box.inside(Marker)); err != nil {
				t.Errorf("removed while it is mounted: %v", err)
			}
			box.stop()
			must(t, Remove(a))
			if after := tree(t, rootfs); !slices.Equal(before, after) {
				t.Errorf("the root filesystem changed from %q to %q", before, after)
			}
		})
	}
}

// A mount that is made from a shared one, as systemd makes all of a host's, would share what is mounted there.
func TestMarkerIsPrivate(t *testing.T) {
	c := newContainer(t, t.TempDir(), "private", bindRootfs)
	state := t.TempDir()
	must(t, unix.Mount(state, state, "", unix.MS_BIND, ""))
	t.Cleanup(func() { must(t, unix.Unmount(state, unix.MNT_DETACH)) })
	must(t, unix.Mount("", state, "", unix.MS_SHARED, ""))
	must(t, os.WriteFile(state+"/marker.json", []byte("the marker"), 0o444))
	r := c.request("/workspace")
	r.Marker = true
	p, _, err := Find(r)
	must(t, err)
	defer p.Close()
	marker, err := ReadOnlyFile(state + "/marker.json")
	must(t, err)
	defer marker.Close()
	must(t, p.Mark(marker))
	table, err := os.ReadFile("/proc/" + strconv.Itoa(c.pid) + "/mountinfo")
	must(t, err)
	for line := range strings.Lines(string(table)) {
		if strings.Contains(line, "/"+Marker+" ") {
			if strings.Contains(line, "shared:") || !strings.Contains(line, " ro,nosuid,nodev,noexec,") {
				t.Errorf("mounted as %s", line)
			}
			return
		}
	}
	t.Errorf("not mounted:\n%s", table)
}

// An image decides what is at /.casview, but not that something else is taken for the marker.
func TestMarkerThatHasNoPlace(t *testing.T) {
	cases := []struct {
		name, setup, want string
		image             func(t *testing.T, rootfs string)
	}{
		{"directory", bindRootfs, "is a directory", func(t *testing.T, r string) { mkdir(t, r, Marker) }},
		{"symlink", bindRootfs, "is a symlink", func(t *testing.T, r string) {
			file(t, r+"/real")
			symlink(t, "real", r+"/"+Marker)
		}},
		{"dangling symlink", bindRootfs, "is a symlink", func(t *testing.T, r string) { symlink(t, "none", r+"/"+Marker) }},
		{"symlink to the host", bindRootfs, "is a symlink", func(t *testing.T, r string) { symlink(t, "/etc/passwd", r+"/"+Marker) }},
		{"fifo", bindRootfs, "is not a regular file", func(t *testing.T, r string) { must(t, unix.Mkfifo(r+"/"+Marker, 0o644)) }},
		{"read-only root without one", bindRootfs + ` && mount -o remount,bind,ro "$R"`,
			"make the file: read-only file system (put an empty file there into the image, or set view.marker = false)",
			func(t *testing.T, r string) { mkdir(t, r, "workspace") }},
		{"shared mount on a file", bindRootfs + ` && mount --bind "$R/file" "$R/.casview" && mount --make-shared "$R/.casview"`,
			"whose mount propagation is shared", func(t *testing.T, r string) {
				file(t, r+"/file")
				file(t, r+"/"+Marker)
			}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			rootfs := t.TempDir()
			c.image(t, rootfs)
			before := tree(t, rootfs)
			a, err := marked(t, newContainer(t, rootfs, "private", c.setup))
			if err == nil || !strings.Contains(err.Error(), "marker /.casview: ") || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
			must(t, Remove(a))
			if after := tree(t, rootfs); !slices.Equal(before, after) {
				t.Errorf("the root filesystem changed from %q to %q", before, after)
			}
		})
	}
}

// Only an empty file can be the one that was made.
func TestRemoveKeepsAFileInUse(t *testing.T) {
	for name, text := range map[string]string{"empty": "", "in use": "x"} {
		rootfs := t.TempDir()
		must(t, os.WriteFile(rootfs+"/"+Marker, []byte(text), 0o644))
		must(t, Remove(rundir.Attachment{Rootfs: rootfs, Created: []string{Marker}}))
		if got := len(names(t, rootfs)); got != len(text) {
			t.Errorf("%s: %d entries left", name, got)
		}
	}
}

package attach

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestAttachIsSeenInTheContainerOnly(t *testing.T) {
	c := newContainer(t, t.TempDir(), "private", bindRootfs)
	mkdir(t, c.rootfs, "workspace")
	a, err := attachTo(t, c.request("/workspace"))
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Created) != 0 {
		t.Errorf("created %q", a.Created)
	}
	if _, err := os.Stat(c.inside("workspace/hello")); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(c.rootfs, "workspace/hello")); err == nil {
		t.Error("the view is on the host too")
	}
}

func TestMissingDirectoriesAreMadeAndRemoved(t *testing.T) {
	c := newContainer(t, t.TempDir(), "private", bindRootfs)
	mkdir(t, c.rootfs, "data")
	a, err := attachTo(t, c.request("/data/a/b c/d"))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"data/a", "data/a/b c", "data/a/b c/d"}; !slices.Equal(a.Created, want) || a.Rootfs != c.rootfs {
		t.Errorf("attachment %+v, want %q", a, want)
	}
	if _, err := os.Stat(c.inside("data/a/b c/d/hello")); err != nil {
		t.Error(err)
	}
	c.stop()
	if err := Remove(a); err != nil {
		t.Fatal(err)
	}
	if entries := names(t, filepath.Join(c.rootfs, "data")); len(entries) != 0 {
		t.Errorf("left behind: %q", entries)
	}
	if err := Remove(a); err != nil {
		t.Errorf("a second time: %v", err)
	}
}

func TestRemoveKeepsWhatIsUsed(t *testing.T) {
	c := newContainer(t, t.TempDir(), "private", bindRootfs)
	a, err := attachTo(t, c.request("/data/a/b"))
	if err != nil {
		t.Fatal(err)
	}
	// The job's image has more to say below a directory that was made for the target.
	mkdir(t, c.rootfs, "data/a/other")
	outside := t.TempDir()
	c.stop()
	if err := Remove(a); err != nil {
		t.Fatal(err)
	}
	if got := names(t, filepath.Join(c.rootfs, "data/a")); !slices.Equal(got, []string{"other"}) {
		t.Errorf("left %q", got)
	}
	// A symlink in the place of a directory that was made is not followed.
	mkdir(t, outside, "b")
	rename(t, filepath.Join(c.rootfs, "data/a"), filepath.Join(c.rootfs, "data/old"))
	symlink(t, outside, filepath.Join(c.rootfs, "data/a"))
	if err := Remove(a); err == nil {
		t.Error("a symlink in the way was no error")
	}
	if got := names(t, outside); !slices.Equal(got, []string{"b"}) {
		t.Errorf("removed outside: left %q", got)
	}
	a.Rootfs = filepath.Join(outside, "gone")
	if err := Remove(a); err != nil {
		t.Errorf("root filesystem gone: %v", err)
	}
}

func TestTargetsThatAreRefused(t *testing.T) {
	cases := []struct {
		name, target string
		image        func(t *testing.T, rootfs string)
		want         string
	}{
		{"symlink to a place not allowed", "/workspace", func(t *testing.T, r string) {
			mkdir(t, r, "etc")
			symlink(t, "/etc", r+"/workspace")
		}, "target /workspace: is a symlink to /etc, which view.allowed_targets does not allow"},
		{"symlink out of the root filesystem", "/workspace", func(t *testing.T, r string) {
			mkdir(t, r, "tmp")
			symlink(t, "../../../../../../../../../../tmp", r+"/workspace")
		}, "target /workspace: is a symlink to /tmp, which"},
		{"symlink out to nothing", "/workspace", func(t *testing.T, r string) {
			symlink(t, "../../../../../../../../../../root", r+"/workspace")
		}, `target /workspace: "workspace" is a symlink that leads nowhere`},
		{"dangling symlink", "/workspace", func(t *testing.T, r string) {
			symlink(t, "/none", r+"/workspace")
		}, `target /workspace: "workspace" is a symlink that leads nowhere`},
		{"dangling symlink on the way", "/data/a/b", func(t *testing.T, r string) {
			mkdir(t, r, "data")
			symlink(t, "none", r+"/data/a")
		}, `"a" is a symlink that leads nowhere`},
		{"symlink to the root", "/workspace", func(t *testing.T, r string) {
			symlink(t, "/", r+"/workspace")
		}, "target /workspace: is a symlink to the container's root"},
		{"symlink loop", "/workspace", func(t *testing.T, r string) {
			symlink(t, "workspace", r+"/workspace")
		}, "target /workspace: leads through a loop of symlinks"},
		{"parent is a symlink to a place not allowed", "/data/a", func(t *testing.T, r string) {
			mkdir(t, r, "etc")
			symlink(t, "etc", r+"/data")
		}, "target /data/a: is a symlink to /etc/a, which"},
		{"newline in the place", "/workspace", func(t *testing.T, r string) {
			mkdir(t, r, "a\nb")
			symlink(t, "a\nb", r+"/workspace")
		}, `target /workspace: is a symlink to "/a\nb", which`},
		{"file", "/workspace", func(t *testing.T, r string) {
			file(t, r+"/workspace")
		}, "target /workspace: is not a directory"},
		{"below a file", "/data/a/b", func(t *testing.T, r string) {
			file(t, r+"/data")
		}, "target /data/a/b: is not a directory"},
		{"symlink to a file", "/workspace", func(t *testing.T, r string) {
			file(t, r+"/f")
			symlink(t, "f", r+"/workspace")
		}, "target /workspace: is not a directory"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			rootfs := t.TempDir()
			c.image(t, rootfs)
			before := tree(t, rootfs)
			a, err := attachTo(t, newContainer(t, rootfs, "private", bindRootfs).request(c.target))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %q, want %q", err, c.want)
			}
			if err := Remove(a); err != nil {
				t.Error(err)
			}
			if after := tree(t, rootfs); !slices.Equal(before, after) {
				t.Errorf("the root filesystem changed from %q to %q", before, after)
			}
		})
	}
}

func TestSymlinkToAnAllowedPlace(t *testing.T) {
	rootfs := t.TempDir()
	mkdir(t, rootfs, "data/real")
	symlink(t, "/data/real", rootfs+"/workspace")
	c := newContainer(t, rootfs, "private", bindRootfs)
	if _, err := attachTo(t, c.request("/workspace")); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(c.inside("data/real/hello")); err != nil {
		t.Error(err)
	}
}

// /proc/self/root leads out of any root filesystem; RESOLVE_NO_MAGICLINKS refuses it.
func TestMagicLinkIsRefused(t *testing.T) {
	rootfs := t.TempDir()
	mkdir(t, rootfs, "proc")
	symlink(t, "/proc/self/root/tmp", rootfs+"/workspace")
	c := newContainer(t, rootfs, "private", bindRootfs+` && mount -t proc proc "$R/proc"`)
	if _, err := attachTo(t, c.request("/workspace")); err == nil || !strings.Contains(err.Error(), "/proc") {
		t.Errorf("error %v", err)
	}
}

func TestPropagation(t *testing.T) {
	cases := []struct {
		name, setup, want string
	}{
		{"private", bindRootfs, ""},
		{"shared", bindRootfs + ` && mount --make-shared "$R"`, "whose mount propagation is shared"},
		{"slave of a peer", `mount -t tmpfs t /mnt && mkdir /mnt/workspace && mount --make-shared /mnt && mount --bind /mnt "$R" && mount --make-slave "$R"`, ""},
		{"shared and slave", `mount -t tmpfs t /mnt && mkdir /mnt/workspace && mount --make-shared /mnt && mount --bind /mnt "$R" && mount --make-slave "$R" && mount --make-shared "$R"`, "whose mount propagation is shared"},
		{"shared volume at the target", bindRootfs + ` && mount -t tmpfs t "$R/workspace" && mount --make-shared "$R/workspace"`, "/workspace, whose mount propagation is shared"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			rootfs := t.TempDir()
			mkdir(t, rootfs, "workspace")
			_, err := attachTo(t, newContainer(t, rootfs, "private", c.setup).request("/workspace"))
			if (c.want == "" && err != nil) || (c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want))) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

func TestContainerOnTheHostsNamespaceIsRefused(t *testing.T) {
	_, _, err := Find(Request{PID: os.Getpid(), Rootfs: t.TempDir(), Target: "/workspace"})
	if err == nil || !strings.Contains(err.Error(), "no mount namespace of its own") {
		t.Errorf("error %v", err)
	}
	if _, _, err := Find(Request{PID: 1 << 30, Rootfs: "/", Target: "/workspace"}); err == nil {
		t.Error("a process that does not exist")
	}
}

// The caller looks for the target again then.
func TestTargetThatWasRemovedMeanwhile(t *testing.T) {
	rootfs := t.TempDir()
	c := newContainer(t, rootfs, "private", bindRootfs)
	p, a, err := Find(c.request("/data/a"))
	must(t, err)
	defer p.Close()
	must(t, Remove(a))
	if err := p.Mount(detached(t)); !errors.Is(err, unix.ENOENT) {
		t.Errorf("error %v", err)
	}
}

func TestMissingRootfs(t *testing.T) {
	c := newContainer(t, t.TempDir(), "private", bindRootfs)
	r := c.request("/workspace")
	r.Rootfs = "/none"
	if _, _, err := Find(r); err == nil || !strings.Contains(err.Error(), "root filesystem: open /none") {
		t.Errorf("error %v", err)
	}
}

func TestReadOnlyRootfs(t *testing.T) {
	rootfs := t.TempDir()
	c := newContainer(t, rootfs, "private", bindRootfs+` && mount -o remount,bind,ro "$R"`)
	if _, err := attachTo(t, c.request("/workspace")); err == nil || !strings.Contains(err.Error(), `make directory "workspace": read-only file system: make it in the image, or mount`) {
		t.Errorf("error %v", err)
	}
}

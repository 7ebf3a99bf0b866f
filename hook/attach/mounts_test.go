package attach

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/casview/casview/fsd/rundir"
)

// Others on the same root filesystem that casview knows nothing of keep what they have mounted.
func TestRemoveKeepsWhatOthersMounted(t *testing.T) {
	cases := []struct{ name, setup string }{
		{"volume", bindRootfs + ` && mount --bind "$V" "$R/data/a"`},
		{"tmpfs", `mount -t tmpfs t "$R/data/a"`},
		{"after pivot_root", bindRootfs + ` && mount --bind "$V" "$R/data/a" && mount --rbind /usr "$R/usr" &&
			for d in bin sbin lib lib64; do [ ! -e /$d ] || mount --rbind /$d "$R/$d"; done; mount --rbind /tmp "$R/tmp"
			mount -t proc p "$R/proc" && cd "$R" && pivot_root . old && cd / && umount -l /old`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			rootfs, volume := t.TempDir(), t.TempDir()
			for _, dir := range []string{"data/a/b", "data/c", "usr", "bin", "sbin", "lib", "lib64", "tmp", "proc", "old"} {
				mkdir(t, rootfs, dir)
			}
			file(t, volume+"/precious")
			must(t, os.Remove(rootfs+"/data/a/b"))
			other := newContainer(t, rootfs, "private", "V="+volume+"\n"+c.setup)
			a := rundir.Attachment{Rootfs: rootfs, Created: []string{"data", "data/a", "data/c"}}
			must(t, Remove(a))
			if got := names(t, rootfs+"/data"); !slices.Equal(got, []string{"a"}) {
				t.Errorf("left %q", got)
			}
			if table, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(other.pid), "mountinfo")); err != nil || !strings.Contains(string(table), "/data/a ") {
				t.Errorf("the mount is gone (%v):\n%s", err, table)
			}
			other.stop()
			must(t, Remove(a))
			if slices.Contains(names(t, rootfs), "data") {
				t.Error("left although nobody uses it any more")
			}
		})
	}
}

func TestMountsBelowTheTarget(t *testing.T) {
	cases := []struct{ name, setup, want string }{
		{"below", bindRootfs + ` && mount -t tmpfs t "$R/workspace/out"`,
			"target /workspace: /workspace/out is mounted below it and the view would hide it: mount it elsewhere"},
		{"at", bindRootfs + ` && mount -t tmpfs t "$R/workspace"`, ""},
		{"at, and below that", bindRootfs + ` && mount -t tmpfs t "$R/workspace" && mkdir "$R/workspace/in" && mount -t tmpfs t "$R/workspace/in"`,
			"target /workspace: /workspace/in is mounted below it"},
		{"beside", bindRootfs + ` && mount -t tmpfs t "$R/workspace2"`, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			rootfs := t.TempDir()
			mkdir(t, rootfs, "workspace/out")
			mkdir(t, rootfs, "workspace2")
			_, err := attachTo(t, newContainer(t, rootfs, "private", c.setup).request("/workspace"))
			if (c.want == "" && err != nil) || (c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want))) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// ownerCase is a way to start a podman container, and who its job must be, as the container sees it: "uid:gid", or "" for the
// rootless user itself.
type ownerCase struct {
	name    string
	options []string
	want    string
}

var ownersRootless = []ownerCase{
	{"ReadOnly", []string{"--read-only"}, "0:0"},
	{"Number", []string{"--user", "1234"}, "1234:5678"}, // the image's passwd has a group for it
	{"Name", []string{"--user", "builder"}, "1234:5678"},
	{"KeepID", []string{"--userns", "keep-id"}, ""},
	{"KeepIDReadOnly", []string{"--userns", "keep-id", "--read-only"}, ""},
	{"KeepIDOther", []string{"--userns", "keep-id", "--user", "1234:5678"}, "1234:5678"},
	{"Map", []string{"--uidmap", "0:1:5000", "--gidmap", "0:1:5000"}, "0:0"},
}

var ownersRoot = []ownerCase{
	{"Name", []string{"--user", "builder"}, "1234:5678"},
	{"Map", []string{"--uidmap", "0:300000:65536", "--gidmap", "0:300000:65536"}, "0:0"},
	{"MapAndUser", []string{"--uidmap", "0:300000:65536", "--gidmap", "0:300000:65536", "--user", "12:34"}, "12:34"},
}

// podman picks the ids of a container itself, and gives it the image's files.
var ownersAuto = []ownerCase{
	{"ReadOnly", []string{"--userns", "auto", "--read-only"}, "0:0"},
	// podman 4.3 leaves the last group of the image's passwd out if it is not told a size.
	{"Name", []string{"--userns", "auto:size=8192", "--user", "builder"}, "1234:5678"},
}

// However podman names the job's user, everything in the view is that user's.
func TestPodmanOwners(t *testing.T) {
	for _, c := range []struct {
		name  string
		start func(*testing.T, setup) engine
		cases []ownerCase
	}{
		{"rootless-runc", startPodmanRootless, ownersRootless},
		{"rootless-crun", startPodmanRootlessCrun, ownersRootless},
		{"root-runc", startPodmanRunc, ownersRoot},
		{"root-crun", startPodmanCrun, ownersRoot},
	} {
		for _, way := range []staging{onOverlay, onFUSE} {
			t.Run(c.name+"/"+way.name, func(t *testing.T) {
				e := way.start(t, c.start)
				// Of some containers the root filesystem belongs to a user that they do not have.
				for _, dir := range []string{"", "etc", "run", "dev", "proc", "sys"} {
					must(t, os.Chmod(filepath.Join(e.rootfs(), dir), 0o777))
				}
				wantOwners(t, e, "", c.cases)
			})
		}
	}
}

const storageConf = `[storage]
driver = "vfs"
runroot = %q
graphroot = %q
[storage.options]
root-auto-userns-user = %q
`

// With --userns=auto podman takes ids from those of a user, by default `containers`.
func TestPodmanOwnersAuto(t *testing.T) {
	for name, start := range map[string]func(*testing.T, setup) engine{"runc": startPodmanRunc, "crun": startPodmanCrun} {
		for _, way := range []staging{onOverlay, onFUSE} {
			t.Run(name+"/"+way.name, func(t *testing.T) {
				e := way.start(t, start)
				p, user := e.(*podman), newUser(t)
				conf := fmt.Sprintf(storageConf, p.dir+"/run", p.dir+"/root", userName(t, user))
				p.place.env = append(p.place.env, "CONTAINERS_STORAGE_CONF="+writeFile(t, conf, p.dir, "storage.conf"))
				wantOwners(t, e, p.importImage(t), ownersAuto)
			})
		}
	}
}

func wantOwners(t *testing.T, e engine, image string, cases []ownerCase) {
	t.Helper()
	s := e.site()
	root := s.store(t, file{path: "in", content: "in\n"}, file{path: "dir/in", content: "in\n", mode: 0o600}, file{path: "link", symlink: "in"})
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			name := unique("owners")
			j := sh(root, name, `
				echo $(id -u):$(id -g)
				find . | xargs stat -c "%u:%g"
				cat dir/in > new
				echo more >> in
				mkdir made
				echo out > made/out
				ln -s out made/link
				mv dir/in dir/moved
				find . | xargs stat -c "%u:%g"`)
			j.options, j.image = c.options, image
			o := succeed(t, e, j)
			want := c.want
			if want == "" {
				want = fmt.Sprintf("%d:%d", s.uid, s.uid)
			}
			if expected := strings.Repeat(want+"\n", 1+5+9); o.stdout != expected {
				t.Errorf("the job is and sees %q, expected only %s", o.stdout, want)
			}
			wantPaths(t, "hashed_files", outputPaths(s.complete(t, name)), "dir/moved", "in", "made", "made/link", "made/out", "new")
			view, err := s.open(t, name).View()
			must(t, err)
			if rootless := s.uid != 0; s.staging.driver == "overlay" && view.UserXattr != rootless {
				t.Errorf("marks of the overlay are user.* attributes: %t", view.UserXattr)
			}
			nothingLeft(t, e, name)
		})
	}
}

package packaging

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// newDebian makes a system like this host's, with podman and runc, from the mirror that this host uses.
func newDebian(t *testing.T) *system {
	t.Helper()
	root, err := os.MkdirTemp("", "casview-debian-")
	must(t, err)
	t.Cleanup(func() { must(t, os.RemoveAll(root)) })
	must(t, os.Chmod(root, 0o755))
	mirrors := strings.Fields(output(t, exec.Command("apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages")))
	if len(mirrors) == 0 {
		t.Fatal("apt has no package lists here: run apt-get update")
	}
	release := output(t, exec.Command("/bin/sh", "-c", `. /etc/os-release && echo "$VERSION_CODENAME"`))
	output(t, exec.Command("debootstrap", "--variant=minbase", release, root, mirrors[0]))
	// The package archives themselves are what a system under test does not change.
	s := &system{root: root, manager: apt{}}
	output(t, s.inside("apt-get", "install", "-qy", "--no-install-recommends", "podman", "runc", "man-db", "netavark"))
	return s
}

func TestDebian(t *testing.T) {
	if !*debian {
		t.Skip("takes minutes and a mirror: make test-dist")
	}
	need(t, "debootstrap", "busybox")
	older, newer := build(t, "v0.1.0", "deb"), build(t, "v0.2.0", "deb")
	s := newDebian(t)
	installed(t, s, one(t, older, "*.deb"), one(t, newer, "*.deb"))
	t.Run("Podman", func(t *testing.T) { throughPodman(t, s, one(t, older, "*.deb")) })
}

// The whole release twice, with the image, and the image's programs and entry point.
func TestWholeRelease(t *testing.T) {
	if !*debian {
		t.Skip("takes a minute: make test-dist")
	}
	need(t, "buildah")
	all := "deb rpm tar image"
	first, second := build(t, "v0.1.0", all), build(t, "v0.1.0", all)
	if a, b := sums(t, first), sums(t, second); a != b || strings.Count(a, "\n") != 4 {
		t.Errorf("sums of four files, twice the same, expected:\n%s\n%s", a, b)
	}
	layout, err := os.MkdirTemp("", "casview-oci-") // buildah takes no upper-case letters
	must(t, err)
	defer os.RemoveAll(layout)
	output(t, exec.Command("tar", "-C", layout, "-xf", one(t, first, "*_image_*.tar")))
	index, err := os.ReadFile(filepath.Join(layout, "index.json"))
	must(t, err)
	// What `podman load` names it: docs/packaging.md runs it as casview.
	if !strings.Contains(string(index), `"org.opencontainers.image.ref.name":"casview:latest"`) {
		t.Errorf("the image's name is not casview:latest: %s", index)
	}
	storage := []string{"--root", t.TempDir(), "--runroot", t.TempDir(), "--storage-driver", "vfs"}
	buildah := func(args ...string) string { return output(t, exec.Command("buildah", append(storage, args...)...)) }
	container := buildah("from", "oci:"+layout)
	defer buildah("rm", container)
	if got := buildah("run", "--isolation", "chroot", container, "--", "/casview", "version"); got != "v0.1.0" {
		t.Errorf("casview version says %q", got)
	}
	dockerfile, err := os.ReadFile("../Dockerfile")
	must(t, err)
	entry := buildah("inspect", "--format", `{{range .OCIv1.Config.Entrypoint}}{{.}} {{end}}`, container)
	for _, word := range strings.Fields(entry) {
		if !strings.Contains(string(dockerfile), `"`+word+`"`) {
			t.Errorf("entry point %s: the Dockerfile has no %q", entry, word)
		}
	}
	if entry == "" {
		t.Error("no entry point")
	}
}

// throughPodman follows the README: two commands install, one runs a job.
func throughPodman(t *testing.T, s *system, deb string) {
	conf := filepath.Join(s.root, "etc/containers/containers.conf")
	must(t, os.MkdirAll(filepath.Dir(conf), 0o755))
	// Hosts inside a container can't raise limits, and have no network to give.
	must(t, os.WriteFile(conf, []byte("[containers]\ndefault_ulimits = [\"nofile=1000:1000\", \"nproc=1000:1000\"]\nnetns = \"none\"\n"+
		"[engine]\nruntime = \"runc\"\ncgroup_manager = \"cgroupfs\"\nevents_logger = \"none\"\n"), 0o644))
	podman := []string{"podman", "--root", "/srv/podman", "--runroot", "/srv/podman-run", "--storage-driver", "vfs"}
	s.makeImage(t, podman)
	before := s.files(t)

	s.install(t, s, deb)
	output(t, s.inside("casview", "install", "--engine", "podman"))
	args := append([]string{"casview", "run", "--inputs", "/srv/inputs", "--run", "pod", "--"}, podman...)
	args = append(args, "run", "--rm", "localhost/busybox", "/bin/sh", "-c", "cd /workspace && cat in > begun && echo three > out")
	output(t, s.inside(args...))
	s.wantComplete(t, "pod", "three")
	page := output(t, s.inside("man", "--pager=cat", "casview-recover"))
	if !strings.Contains(page, "casview-recover - Make the results of runs whose daemon died") {
		t.Errorf("casview-recover(1):\n%s", page)
	}
	s.purge(t, s)
	wantSame(t, before, s.files(t))
}

// makeImage gives podman an image of busybox alone.
func (s *system) makeImage(t *testing.T, podman []string) {
	t.Helper()
	for _, dir := range []string{"srv/image/bin", "srv/inputs"} {
		must(t, os.MkdirAll(filepath.Join(s.root, dir), 0o755))
	}
	must(t, os.WriteFile(filepath.Join(s.root, "srv/inputs/in"), []byte("in\n"), 0o644))
	image := filepath.Join(s.root, "srv/image")
	output(t, exec.Command("cp", find(t, "busybox"), filepath.Join(image, "bin/busybox")))
	output(t, exec.Command("chroot", image, "/bin/busybox", "--install", "-s", "/bin"))
	output(t, exec.Command("tar", "-C", image, "-cf", image+".tar", "."))
	output(t, s.inside(append(podman, "import", "--quiet", "/srv/image.tar", "localhost/busybox")...))
}

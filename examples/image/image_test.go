package image

import (
	"bytes"
	"debug/elf"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/casview/casview/config"
)

const version = "v0.0.0-test"

// driver is the one that works on every host, also where overlayfs cannot be mounted.
const driver = "vfs"

// Four static programs. What they weigh is what every host that installs from the image pulls.
const maxImageBytes = 64 << 20

func TestImage(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root: buildah mounts the image")
	}
	for _, tool := range []string{"buildah", "busybox", "make"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is missing: make setup installs it", tool)
		}
	}
	b := newStorage(t)
	build := exec.Command("./build", b.dir, version)
	build.Env = append(os.Environ(), "STORAGE_DRIVER="+driver)
	run(t, build)
	ctr := b.run(t, "from", "--pull-never", "casview:"+version)
	t.Cleanup(func() { b.run(t, "rm", ctr) })
	root := b.run(t, "mount", ctr)
	t.Cleanup(func() { b.run(t, "umount", ctr) })

	t.Run("Contents", func(t *testing.T) { checkContents(t, root) })
	t.Run("EntryPoint", func(t *testing.T) {
		got := b.run(t, "inspect", "--format", "{{.OCIv1.Config.Entrypoint}} {{.OCIv1.Config.Cmd}}", ctr)
		if want := "[/casview] [install --root /host --engine podman]"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
	t.Run("Version", func(t *testing.T) {
		got := b.run(t, "run", "--isolation", "chroot", ctr, "--", "/casview", "version")
		if !strings.Contains(got, version) {
			t.Errorf("casview version says %q", got)
		}
	})
	t.Run("Install", func(t *testing.T) { checkInstall(t, b, ctr, root) })
}

func checkContents(t *testing.T, root string) {
	var files []string
	var size int64
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		files = append(files, strings.TrimPrefix(path, root))
		size += info.Size()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(files, " "), "/casview /casview-fsd /casview-hook /casview-runtime /etc/casview/config.toml"; got != want {
		t.Errorf("files: got %s, want %s", got, want)
	}
	if size > maxImageBytes {
		t.Errorf("%d bytes, more than %d", size, maxImageBytes)
	}
	t.Logf("%.1f MB", float64(size)/1e6)
	for _, program := range programs() {
		checkStatic(t, filepath.Join(root, program))
	}
	if _, err := config.Load(filepath.Join(root, "etc/casview/config.toml")); err != nil {
		t.Error(err)
	}
}

func checkStatic(t *testing.T, path string) {
	t.Helper()
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			t.Errorf("%s is not static", path)
		}
	}
}

func programs() []string {
	return []string{"casview", "casview-fsd", "casview-hook", "casview-runtime"}
}

// The entry point runs twice, as on an upgrade: the administrator's configuration stays. Uninstalling leaves that alone.
func checkInstall(t *testing.T, b storage, ctr, image string) {
	host := t.TempDir()
	casview := func(command string) {
		b.run(t, "run", "--isolation", "chroot", "--volume", host+":/host", ctr, "--",
			"/casview", command, "--root", "/host", "--engine", "podman")
	}
	install := func() { casview("install") }
	install()
	for _, program := range programs() {
		got, err := os.ReadFile(filepath.Join(host, "usr/local/bin", program))
		if err != nil {
			t.Error(err)
			continue
		}
		want, err := os.ReadFile(filepath.Join(image, program))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s differs from the image's", program)
		}
	}
	etc, _ := filepath.Glob(filepath.Join(host, "etc/containers/oci/hooks.d/*.json"))
	usr, _ := filepath.Glob(filepath.Join(host, "usr/share/containers/oci/hooks.d/*.json"))
	if len(etc)+len(usr) == 0 {
		t.Error("no hooks.d JSON")
	}
	conf := filepath.Join(host, "etc/casview/config.toml")
	if _, err := config.Load(conf); err != nil {
		t.Fatal(err)
	}
	mine := []byte("# mine\nstate = \"/srv/casview\"\n")
	if err := os.WriteFile(conf, mine, 0o644); err != nil {
		t.Fatal(err)
	}
	install()
	if now, _ := os.ReadFile(conf); !bytes.Equal(now, mine) {
		t.Errorf("installing again changed the configuration to:\n%s", now)
	}
	casview("uninstall")
	var left []string
	for _, dir := range []string{".", "etc", "etc/casview"} {
		entries, err := os.ReadDir(filepath.Join(host, dir))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			left = append(left, e.Name())
		}
	}
	if got := strings.Join(left, " "); got != "etc casview config.toml" {
		t.Errorf("uninstalling left %s", got)
	}
}

// storage is a place for buildah's images that goes away with the test.
type storage struct{ dir string }

func newStorage(t *testing.T) storage {
	dir, err := os.MkdirTemp("", "casview-image-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return storage{dir}
}

// run returns what buildah prints, trimmed.
func (s storage) run(t *testing.T, args ...string) string {
	t.Helper()
	global := []string{
		"--root", filepath.Join(s.dir, "root"), "--runroot", filepath.Join(s.dir, "run"), "--storage-driver", driver,
	}
	return run(t, exec.Command("buildah", append(global, args...)...))
}

func run(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", strings.Join(cmd.Args, " "), err, out, &stderr)
	}
	return strings.TrimSpace(string(out))
}

package staging

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A thread that stayed would keep copies of all the host's mounts, and so the filesystems busy.
func TestNamespacesOfThreadsGo(t *testing.T) {
	var g sync.WaitGroup
	for range 8 {
		r := newRequest(t, t.TempDir())
		broken := r
		broken.Upper = "/proc/upper"
		g.Go(func() {
			s, err := Overlay{}.Mount(r)
			if err != nil {
				t.Error(err)
				return
			}
			s.Mount.Close()
			s.Wait()
			if _, err := (Overlay{}).Mount(broken); err == nil {
				t.Error("a mount in /proc")
			}
		})
	}
	g.Wait()
	var seen []string
	for range 200 {
		if seen = namespaces(t); len(seen) == 1 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("threads are in %q", seen)
}

// namespaces returns the mount namespaces of this process's threads.
func namespaces(t *testing.T) []string {
	t.Helper()
	links, err := filepath.Glob("/proc/self/task/*/ns/mnt")
	must(t, err)
	seen := map[string]bool{}
	var all []string
	for _, link := range links {
		if ns, err := os.Readlink(link); err == nil && !seen[ns] {
			seen[ns] = true
			all = append(all, ns)
		}
	}
	return all
}

// Whatever thread the caller and its goroutines run on, the process's first one, which never ends, stays where it is.
func TestFirstThreadStays(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("mount namespaces need root")
	}
	cmd := exec.Command("/proc/self/exe", "do-first-thread")
	// With one processor goroutines do get onto the first thread.
	cmd.Env = append(environment(), "GOMAXPROCS=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

func firstThread([]string) error {
	before, err := os.Readlink("/proc/self/ns/mnt")
	if err != nil {
		return err
	}
	for range 20 {
		err := inPrivateNamespace(func() error {
			if ns, err := os.Readlink("/proc/thread-self/ns/mnt"); err != nil || ns == before {
				return fmt.Errorf("in namespace %s, %w", ns, err)
			}
			return nil
		})
		after, _ := os.Readlink("/proc/self/ns/mnt")
		if err != nil || after != before {
			return fmt.Errorf("the first thread is in %s, was in %s, %w", after, before, err)
		}
		runtime.Gosched()
	}
	return nil
}

// What is mounted in the private namespace does not show outside, and what is unmounted outside goes there too.
func TestPropagation(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("mounting needs root")
	}
	if !again(t, mountNamespace()) {
		return
	}
	dir := t.TempDir()
	must(t, unix.Mount("tmpfs", dir, "tmpfs", 0, "mode=0755"))
	// As systemd does it on a host.
	must(t, unix.Mount("", "/", "", unix.MS_REC|unix.MS_SHARED, ""))
	must(t, os.Mkdir(filepath.Join(dir, "inner"), 0o700))
	inside, outside := make(chan struct{}), make(chan struct{})
	finished := make(chan error)
	go func() {
		finished <- inPrivateNamespace(func() error {
			err := unix.Mount("tmpfs", filepath.Join(dir, "inner"), "tmpfs", 0, "mode=0755")
			inside <- struct{}{}
			<-outside
			err = errors.Join(err, unix.Unmount(filepath.Join(dir, "inner"), 0))
			inside <- struct{}{}
			<-outside
			if sees("/proc/thread-self/mountinfo", dir) {
				err = errors.Join(err, errors.New("what was unmounted is still there"))
			}
			return err
		})
	}()
	<-inside
	if sees("/proc/self/mountinfo", filepath.Join(dir, "inner")) {
		t.Error("a mount of the private namespace shows outside")
	}
	outside <- struct{}{}
	<-inside
	must(t, unix.Unmount(dir, 0))
	outside <- struct{}{}
	must(t, <-finished)
}

func sees(table, dir string) bool {
	b, err := os.ReadFile(table)
	return err != nil || strings.Contains(string(b), " "+dir+" ")
}

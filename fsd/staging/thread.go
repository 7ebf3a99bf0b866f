package staging

import (
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// inPrivateNamespace runs fn on a thread that has a mount namespace of its own, and returns fn's error. The namespace, with its
// copies of the host's mounts, ends with the thread.
func inPrivateNamespace(fn func() error) error {
	return onOwnThread(func() error {
		if err := privateNamespace(); err != nil {
			return err
		}
		return fn()
	})
}

// onOwnThread runs fn on a thread that ends with it, because a goroutine that stays locked takes its thread along: fn may do
// with the thread what it likes.
func onOwnThread(fn func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			// Go never ends the first thread, it parks it. While this goroutine holds it, the next one gets another.
			defer runtime.UnlockOSThread()
			done <- onOwnThread(fn)
			return
		}
		done <- fn()
	}()
	return <-done
}

// privateNamespace gives this thread a mount namespace of its own. Its mounts are slaves of the host's: what happens here
// does not show there, but a filesystem that the host unmounts is unmounted here too. A private copy would keep it busy: an
// engine that unmounts a container's overlay and mounts it again at once would find its upper directory still in use.
func privateNamespace() error {
	if err := unix.Unshare(unix.CLONE_FS | unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("unshare the mount namespace: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SLAVE, ""); err != nil {
		return fmt.Errorf("keep mounts from the host: %w", err)
	}
	return nil
}

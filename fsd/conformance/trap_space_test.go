package conformance

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// statfs tells the room that there is for outputs.
func TestTrapStatfs(t *testing.T) {
	onEachPlace(t, inputs{"dir/input": {content: "x"}}, func(t *testing.T, p *place) {
		h := p.hand(t, root)
		h.ok("put", "new", "x")
		disk := p.dir
		if p.view != nil {
			disk = p.view.Upper
		}
		for _, name := range []string{"", "dir", "dir/input", "new"} {
			var want, got unix.Statfs_t
			must(t, unix.Statfs(disk, &want))
			must(t, unix.Statfs(p.path(name), &got))
			// Others use the disk, too.
			const slack = 64 << 20
			for _, n := range [][3]uint64{
				{got.Blocks * uint64(got.Frsize), want.Blocks * uint64(want.Frsize), 0},
				{got.Bfree * uint64(got.Frsize), want.Bfree * uint64(want.Frsize), slack},
				{got.Bavail * uint64(got.Frsize), want.Bavail * uint64(want.Frsize), slack},
			} {
				if n[0] > n[1]+n[2] || n[0]+n[2] < n[1] {
					t.Errorf("%q: %+v, the disk has %+v", name, got, want)
				}
			}
			if got.Namelen != 255 || got.Files != want.Files || got.Bsize <= 0 {
				t.Errorf("%q: names of %d bytes, %d inodes, blocks of %d", name, got.Namelen, got.Files, got.Bsize)
			}
		}
	})
}

// A full disk is an error of the write. What was closed before is whole, and deleting makes room.
func TestTrapFullDisk(t *testing.T) {
	in := inputs{"input": {content: "0123456789"}, "big": {content: string(bytes.Repeat([]byte("big"), 1<<20))}}
	for _, driver := range append([]string{host}, drivers()...) {
		t.Run(driver, func(t *testing.T) {
			disk := smallDisk(t)
			p := &place{dir: filepath.Join(disk, "plain"), driver: driver}
			if driver == host {
				must(t, os.Mkdir(p.dir, 0o755))
				must(t, in.write(p.dir))
			} else {
				p.view = mountView(t, options{driver: driver, inputs: in, state: filepath.Join(disk, "state")})
				p.dir = p.view.Dir
			}
			kept := bytes.Repeat([]byte("kept"), 256<<10)
			must(t, os.WriteFile(p.path("kept"), kept, 0o644))
			full := 0
			for ; full < 64; full++ {
				err := os.WriteFile(p.path(fmt.Sprint("filler", full)), bytes.Repeat([]byte{byte(full + 1)}, 1<<20), 0o644)
				if errors.Is(err, unix.ENOSPC) {
					break
				}
				must(t, err)
			}
			if full < 4 || full == 64 {
				t.Fatalf("the disk was full after %d MiB", full)
			}
			// Now there is no room for a copy of an input either, and none of it may be half a copy.
			if err := appendTo(p.path("big"), "more"); !errors.Is(err, unix.ENOSPC) && driver != host {
				t.Errorf("copy-up on a full disk: %v", err)
			}
			wantContent(t, p.path("kept"), kept)
			if driver != host {
				if size := statOf(t, p.path("big")).Size; size != int64(len(in["big"].content)) {
					t.Errorf("after a write that failed the file has %d bytes", size)
				}
				p.forget(t)
				wantContent(t, p.path("big"), []byte(in["big"].content))
			}
			for i := range full {
				wantContent(t, p.path(fmt.Sprint("filler", i)), bytes.Repeat([]byte{byte(i + 1)}, 1<<20))
			}
			must(t, os.Remove(p.path(fmt.Sprint("filler", full))))
			for i := range 4 {
				must(t, os.Remove(p.path(fmt.Sprint("filler", i))))
			}
			must(t, os.WriteFile(p.path("after"), kept, 0o644))
			must(t, appendTo(p.path("input"), "more"))
			wantContent(t, p.path("after"), kept)
			wantContent(t, p.path("input"), []byte("0123456789more"))
			for i := 4; i < full; i++ {
				must(t, os.Remove(p.path(fmt.Sprint("filler", i))))
			}
			if p.view != nil {
				must(t, os.Remove(p.path("big")))
				p.wantResult(t, []string{"after: " + string(kept), "input: 0123456789more", "kept: " + string(kept)}, "big")
			}
		})
	}
}

// smallDisk has room for the inputs of TestTrapFullDisk and some MiB.
func smallDisk(t *testing.T) string {
	t.Helper()
	needMounts(t)
	dir := t.TempDir()
	must(t, unix.Mount("tmpfs", dir, "tmpfs", 0, "mode=0755,size=24m"))
	t.Cleanup(func() { must(t, unix.Unmount(dir, unix.MNT_DETACH)) })
	return dir
}

func appendTo(path, s string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(s)
	return errors.Join(err, f.Close())
}

func wantContent(t *testing.T, path string, want []byte) {
	t.Helper()
	got, err := os.ReadFile(path)
	must(t, err)
	if err := compare(path, 0, got, want); err != nil {
		t.Error(err)
	}
}

// A write that does not fit does not take what was there before.
func TestTrapFullDiskOverwrite(t *testing.T) {
	for _, driver := range append([]string{host}, drivers()...) {
		t.Run(driver, func(t *testing.T) {
			disk := smallDisk(t)
			p := &place{dir: filepath.Join(disk, "plain"), driver: driver}
			if driver == host {
				must(t, os.Mkdir(p.dir, 0o755))
			} else {
				p.view = mountView(t, options{driver: driver, state: filepath.Join(disk, "state")})
				p.dir = p.view.Dir
			}
			old := bytes.Repeat([]byte("old!"), 1<<18)
			must(t, os.WriteFile(p.path("file"), old, 0o644))
			write, err := fillDisk(p.path("filler"))
			if !errors.Is(write, unix.ENOSPC) || err != nil {
				t.Fatalf("filling the disk: write: %v, close: %v", write, err)
			}
			// What is there already needs no room.
			f, err := os.OpenFile(p.path("file"), os.O_RDWR, 0)
			must(t, err)
			_, err = f.WriteAt([]byte("NEW!"), 4096)
			must(t, errors.Join(err, f.Sync(), f.Close()))
			copy(old[4096:], "NEW!")
			wantContent(t, p.path("file"), old)
			err = appendTo(p.path("file"), string(bytes.Repeat([]byte("x"), 4<<20)))
			if !errors.Is(err, unix.ENOSPC) {
				t.Errorf("append: %v", err)
			}
			got, err := os.ReadFile(p.path("file"))
			must(t, err)
			if !bytes.HasPrefix(got, old) {
				t.Errorf("the file has changed: %v", compare("read", 0, got[:min(len(got), len(old))], old))
			}
			must(t, os.Remove(p.path("filler")))
			if p.view != nil {
				// The job was told, and nothing that it was told is missing.
				p.result()
			}
		})
	}
}

// fillDisk writes until there is an error, or more than a small disk holds. It tells what the last write and the
// close said.
func fillDisk(path string) (write, close error) {
	f, err := os.Create(path)
	if err != nil {
		return err, nil
	}
	b := bytes.Repeat([]byte("filler.."), 8<<10)
	for n := 0; n < 100*mib && write == nil; n += len(b) {
		_, write = f.Write(b)
	}
	return write, f.Close()
}

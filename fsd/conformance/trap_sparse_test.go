package conformance

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

const mib = 1 << 20

// What SEEK_DATA and SEEK_HOLE skip holds nothing, also when nothing was synced yet: cp and tar copy by them.
func TestTrapSeekData(t *testing.T) {
	in := inputs{"input": {content: strings.Repeat("input", mib/4)}, "small": {content: "small"}}
	onEachPlace(t, in, func(t *testing.T, p *place) {
		for _, name := range []string{"new", "input", "small"} {
			f, err := os.OpenFile(p.path(name), os.O_RDWR|os.O_CREATE, 0o644)
			must(t, err)
			defer f.Close()
			wantSparseCopy(t, f, "as it is")
			must(t, f.Truncate(8*mib))
			wantSparseCopy(t, f, "cut to 8 MiB")
			_, err = f.WriteAt([]byte("far away"), 5*mib+17)
			must(t, err)
			wantSparseCopy(t, f, "written at 5 MiB")
			m, err := unix.Mmap(int(f.Fd()), 3*mib, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
			must(t, err)
			copy(m[100:], "mapped")
			wantSparseCopy(t, f, "written by a mapping at 3 MiB")
			must(t, unix.Munmap(m))
			wantSparseCopy(t, f, "unmapped")
			must(t, appendTo(p.path(name), "the end"))
			wantSparseCopy(t, f, "appended")
			must(t, unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 5*mib, mib))
			wantSparseCopy(t, f, "punched at 5 MiB")
			_, err = f.WriteAt([]byte("again"), 5*mib+9)
			must(t, errors.Join(err, f.Sync()))
			wantSparseCopy(t, f, "synced")
			for _, whence := range []int{unix.SEEK_DATA, unix.SEEK_HOLE} {
				if _, err := unix.Seek(int(f.Fd()), 9*mib, whence); err != unix.ENXIO {
					t.Errorf("%s: seek behind the end: %v", name, err)
				}
			}
		}
	})
}

// wantSparseCopy copies by SEEK_DATA and SEEK_HOLE and compares with what read gives.
func wantSparseCopy(t *testing.T, f *os.File, when string) {
	t.Helper()
	info, err := f.Stat()
	must(t, err)
	sparse, whole := make([]byte, info.Size()), make([]byte, info.Size())
	for at := int64(0); at < info.Size(); {
		data, err := unix.Seek(int(f.Fd()), at, unix.SEEK_DATA)
		if errors.Is(err, unix.ENXIO) {
			break
		}
		must(t, err)
		hole, err := unix.Seek(int(f.Fd()), data, unix.SEEK_HOLE)
		must(t, err)
		if data < at || hole <= data || hole > info.Size() {
			t.Fatalf("%s: from %d of %d: data at %d, hole at %d", when, at, info.Size(), data, hole)
		}
		_, err = f.ReadAt(sparse[data:hole], data)
		must(t, err)
		at = hole
	}
	if info.Size() > 0 {
		_, err = f.ReadAt(whole, 0)
		must(t, err)
	}
	if err := compare("a sparse copy, "+when, 0, sparse, whole); err != nil {
		t.Error(err)
	}
}

// Sizes and offsets have more than 32 bits.
func TestTrapLargeFile(t *testing.T) {
	const gib = 1 << 30
	onEachPlace(t, inputs{"input": {content: "input"}}, func(t *testing.T, p *place) {
		for _, name := range []string{"new", "input"} {
			f, err := os.OpenFile(p.path(name), os.O_RDWR|os.O_CREATE, 0o644)
			must(t, err)
			defer f.Close()
			for _, at := range []int64{4*gib - 3, 5 * gib, 2*gib - 1} {
				_, err := f.WriteAt([]byte("across"), at)
				must(t, err)
			}
			must(t, unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED))
			must(t, errors.Join(f.Sync(), unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED)))
			for _, at := range []int64{4*gib - 3, 5 * gib, 2*gib - 1} {
				b := make([]byte, 10)
				n, err := f.ReadAt(b[:8], at-1)
				if string(b[:7]) != "\x00across" || err != nil && n != 7 {
					t.Errorf("%s: at %d: %q, %v", name, at-1, b, err)
				}
			}
			m, err := unix.Mmap(int(f.Fd()), 5*gib, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
			must(t, err)
			m[1] = 'X'
			must(t, unix.Munmap(m))
			if at, err := unix.Seek(int(f.Fd()), 4*gib+mib, unix.SEEK_DATA); err != nil || at > 5*gib || at < 4*gib+mib {
				t.Errorf("%s: data at %d, %v", name, at, err)
			}
			var st unix.Stat_t
			must(t, unix.Stat(p.path(name), &st))
			if st.Size != 5*gib+6 || st.Blocks > 2048 {
				t.Errorf("%s: size %d in %d blocks", name, st.Size, st.Blocks)
			}
			must(t, f.Truncate(7*gib))
			must(t, f.Truncate(5*gib+2))
			b := make([]byte, 9)
			if n, err := f.ReadAt(b, 5*gib); string(b[:n]) != "aX" {
				t.Errorf("%s: the end is %q, %v", name, b, err)
			}
			must(t, unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_KEEP_SIZE, 6*gib, 4096))
			// Nobody shall hash 5 GiB.
			must(t, f.Truncate(4))
		}
	})
}

// Each mode of fallocate does what it says, on inputs, too.
func TestTrapFallocate(t *testing.T) {
	content := strings.Repeat("0123456789abcdef", 1024) // 16 KiB
	in := inputs{"input": {content: content}, "reserved": {content: content}}
	modes, _ := fsxModes(t)
	onEachPlace(t, in, func(t *testing.T, p *place) {
		must(t, os.WriteFile(p.path("new"), []byte(content), 0o644))
		for _, name := range []string{"new", "input", "reserved"} {
			f, err := os.OpenFile(p.path(name), os.O_RDWR, 0)
			must(t, err)
			defer f.Close()
			want := []byte(content)
			modes := modes
			if name == "reserved" {
				modes = modes[:1] // copied up by nothing but a reservation
			}
			for _, mode := range modes {
				for _, r := range [][2]int64{{4096, 4096}, {100, 50}, {12 << 10, 8 << 10}, {40 << 10, 100}} {
					if err := unix.Fallocate(int(f.Fd()), mode, r[0], r[1]); err != nil {
						t.Errorf("%s: mode %#x, %v: %v", name, mode, r, err)
					}
					end := int(r[0] + r[1])
					if mode&unix.FALLOC_FL_KEEP_SIZE == 0 && end > len(want) {
						want = append(want, make([]byte, end-len(want))...)
					}
					if mode&(unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_ZERO_RANGE) != 0 {
						clear(want[min(int(r[0]), len(want)):min(end, len(want))])
					}
					wantContent(t, p.path(name), want)
				}
			}
			if err := unix.Fallocate(int(f.Fd()), 0, 0, 0); err != unix.EINVAL {
				t.Errorf("%s: nothing reserved: %v", name, err)
			}
			ro, err := os.Open(p.path(name))
			must(t, err)
			if err := unix.Fallocate(int(ro.Fd()), 0, 0, 1); err != unix.EBADF {
				t.Errorf("%s: reserved by a reader: %v", name, err)
			}
			ro.Close()
		}
	})
}

// copy_file_range copies between all kinds of files.
func TestTrapCopyFileRange(t *testing.T) {
	content := strings.Repeat("0123456789abcdef", 16<<10) // 256 KiB
	in := inputs{"input": {content: content}, "target": {content: "target"}, "written": {content: content}}
	onEachPlace(t, in, func(t *testing.T, p *place) {
		must(t, os.WriteFile(p.path("new"), []byte(content), 0o644))
		must(t, appendTo(p.path("written"), ""))
		f, err := os.OpenFile(p.path("written"), os.O_RDWR, 0)
		must(t, err)
		defer f.Close()
		_, err = f.WriteAt([]byte("0"), 0) // the same, but copied up
		must(t, err)
		for _, c := range [][2]string{
			{"new", "copy"}, {"written", "copy"}, {"input", "copy"}, {"new", "target"}, {"input", "target"},
		} {
			err := copyRange(p.path(c[0]), p.path(c[1]))
			if c[0] == "input" {
				p.differs(t, copyFromInput, err == nil)
			} else if err != nil {
				t.Errorf("%s to %s: %v", c[0], c[1], err)
			}
			if err == nil {
				wantContent(t, p.path(c[1]), bytes.Join([][]byte{make([]byte, 7), []byte(content[3:])}, nil))
			}
		}
		// Inside one file, what overlaps is refused.
		a, b := int64(0), int64(100)
		if n, err := unix.CopyFileRange(int(f.Fd()), &a, int(f.Fd()), &b, 200, 0); err != unix.EINVAL {
			t.Errorf("overlapping ranges: %d, %v", n, err)
		}
		a, b = 0, 128<<10
		n, err := unix.CopyFileRange(int(f.Fd()), &a, int(f.Fd()), &b, 1000, 0)
		if err != nil || n != 1000 || a != 1000 || b != 128<<10+1000 {
			t.Errorf("inside a file: %d, %v, offsets %d and %d", n, err, a, b)
		}
		a, b = int64(len(content)), 0
		if n, err := unix.CopyFileRange(int(f.Fd()), &a, int(f.Fd()), &b, 10, 0); err != nil || n != 0 {
			t.Errorf("from the end: %d, %v", n, err)
		}
	})
}

// copyRange makes a file of seven zeros and all of another one from its fourth byte on.
func copyRange(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	defer out.Close()
	for a, b := int64(3), int64(7); ; {
		n, err := unix.CopyFileRange(int(in.Fd()), &a, int(out.Fd()), &b, mib, 0)
		if err != nil || n == 0 {
			return err
		}
	}
}

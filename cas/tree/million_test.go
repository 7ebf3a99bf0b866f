package tree

import (
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/casview/casview/cas"
)

// generated is a manifest of count files, made while it is read.
type generated struct {
	count, next int
	path        func(i int) string
	buf         []byte
}

func (g *generated) Read(p []byte) (int, error) {
	for len(g.buf) == 0 {
		switch {
		case g.next == 0:
			g.buf = append(g.buf, `{"schema": "casview.inputs/v1", "visible": [`...)
		case g.next <= g.count:
			digest := cas.Sum(cas.SHA256, strconv.AppendInt(nil, int64(g.next), 10))
			g.buf = fmt.Appendf(g.buf, "\n{\"path\": %q, \"hash\": %q, \"mode\": 420, \"mtime_sec\": 1735689600, \"mtime_nsec\": %d}", g.path(g.next), digest, g.next)
			if g.next < g.count {
				g.buf = append(g.buf, ',')
			}
		case g.next == g.count+1:
			g.buf = append(g.buf, "]}"...)
		default:
			return 0, io.EOF
		}
		g.next++
	}
	n := copy(p, g.buf)
	g.buf = append(g.buf[:0], g.buf[n:]...)
	return n, nil
}

// everything is a store that has each blob, of 7 bytes, and keeps none.
type everything struct{ cas.Store }

func (everything) Algorithm() cas.Algorithm              { return cas.SHA256 }
func (everything) Size(cas.Digest) (int64, error)        { return 7, nil }
func (everything) Keep(cas.Digest, int64) (bool, error)  { return true, nil }
func (everything) PutBytes(b []byte) (cas.Digest, error) { return cas.Sum(cas.SHA256, b), nil }

// status returns a line of /proc/self/status that is in kB, in bytes.
func status(t *testing.T, key string) int64 {
	t.Helper()
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if fields := strings.Fields(line); fields[0] == key+":" {
			kb, err := strconv.ParseInt(fields[1], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kb << 10
		}
	}
	t.Fatalf("no %s in /proc/self/status", key)
	return 0
}

// A million inputs are imported within 512 MiB, whatever the directories are.
func TestImportMillion(t *testing.T) {
	if testing.Short() || raceEnabled {
		t.Skip("takes seconds and means nothing under the race detector, which multiplies memory")
	}
	const count, limit = 1_000_000, 512 << 20
	for _, c := range []struct {
		name string
		path func(i int) string
	}{
		{"thousand directories", func(i int) string { return fmt.Sprintf("src/package-%03d/input-%07d.txt", i%1000, i) }},
		{"one directory", func(i int) string { return fmt.Sprintf("input-%07d.txt", i) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			debug.FreeOSMemory()
			// 5 resets VmHWM (proc(5), since Linux 4.0).
			if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
				t.Skipf("cannot reset the peak: %v", err)
			}
			before, start := status(t, "VmRSS"), time.Now()
			_, stats, err := ImportManifest(&generated{count: count, path: c.path}, everything{}, count)
			if err != nil || stats.Files != count || stats.Bytes != 7*count {
				t.Fatalf("%+v, %v", stats, err)
			}
			peak := status(t, "VmHWM") - before
			t.Logf("%d inputs: %d MiB at the peak, %v", count, peak>>20, time.Since(start).Round(time.Millisecond))
			if peak > limit {
				t.Errorf("%d MiB, the limit is %d", peak>>20, limit>>20)
			}
		})
	}
}

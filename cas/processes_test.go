package cas

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// manyContents are the blobs that all writers store: most small, some written as a stream.
func manyContents() [][]byte {
	var all [][]byte
	for i := range 120 {
		size := i * 7
		if i%20 == 0 {
			size = copyBuffer*2 + i
		}
		all = append(all, bytes.Repeat([]byte{byte(i), byte(i >> 8)}, size))
	}
	return all
}

// writerProcess stores everything in its own order and by every way in, and reads each back at once.
func writerProcess(dir string) error {
	s, err := OpenLocal(filepath.Join(dir, "store"), SHA256)
	if err != nil {
		return err
	}
	defer s.Close()
	staging, err := os.MkdirTemp(dir, "staging-")
	if err != nil {
		return err
	}
	handle, err := os.Open(staging)
	if err != nil {
		return err
	}
	defer handle.Close()
	all := manyContents()
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	for i, content := range all {
		d := Sum(SHA256, content)
		if err := storeSomehow(s, handle, i, content, d); err != nil {
			return err
		}
		if got, err := s.ReadBlob(d, 1<<30); err != nil || !bytes.Equal(got, content) {
			return fmt.Errorf("read back %d bytes of %d: %w", len(got), len(content), err)
		}
	}
	return s.Sync()
}

func storeSomehow(s *Local, staging *os.File, i int, content []byte, d Digest) error {
	if i%3 == 0 {
		_, _, err := s.Put(bytes.NewReader(content))
		return err
	}
	path := filepath.Join(staging.Name(), "f")
	if err := os.WriteFile(path, content, 0o644); err != nil {
		return err
	}
	if i%3 == 1 {
		_, err := s.Adopt(staging, "f", d, AdoptMove)
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	defer os.Remove(path)
	_, _, err = s.PutFile(f)
	return err
}

func TestConcurrentWriterProcesses(t *testing.T) {
	dir := t.TempDir()
	var wg sync.WaitGroup
	for range 6 {
		cmd, stderr := process(t, "writer", dir)
		wg.Go(func() {
			if err := cmd.Run(); err != nil {
				t.Errorf("writer: %v: %s", err, stderr)
			}
		})
	}
	wg.Wait()
	s, err := OpenLocal(filepath.Join(dir, "store"), SHA256)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, content := range manyContents() {
		wantBlob(t, s, Sum(SHA256, content), content)
	}
}

func TestConcurrentWriterGoroutines(t *testing.T) {
	s := openTest(t, SHA256)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for _, content := range manyContents()[:40] {
				d, _, err := s.Put(bytes.NewReader(content))
				if err == nil {
					err = s.Verify(d)
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	wantNoTemp(t, s)
}

// stuckProcess stores what its stdin gives, which does not end.
func stuckProcess(dir string) error {
	s, err := OpenLocal(dir, SHA256)
	if err != nil {
		return err
	}
	_, _, err = s.Put(io.TeeReader(os.Stdin, os.Stdout))
	return errors.Join(err, errors.New("stdin ended"))
}

func TestKilledWriterLeavesNoBlob(t *testing.T) {
	s := openTest(t, SHA256)
	content := bytes.Repeat([]byte("k"), copyBuffer*4)
	cmd, _ := process(t, "stuck", s.Dir())
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go in.Write(content)
	if _, err := io.CopyN(io.Discard, out, copyBuffer*3); err != nil {
		t.Errorf("writer did not get going: %v", err)
	}
	if n := unnamedSize(cmd.Process.Pid, s.Dir()+"/tmp/"); n < copyBuffer {
		t.Errorf("the writer has written %d bytes; it should have been in the middle of a file", n)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("writer was not killed")
	}
	if left, _ := filepath.Glob(s.Dir() + "/blobs/*/*/*"); len(left) > 0 {
		t.Errorf("partial blob: %v", left)
	}
	wantNoTemp(t, s)
	if _, _, err := s.Put(bytes.NewReader(content)); err != nil {
		t.Error(err)
	}
}

// unnamedSize is how long the nameless file in dir is that a process has open, 0 without one.
func unnamedSize(pid int, dir string) int64 {
	fds, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	for _, fd := range fds {
		if to, err := os.Readlink(fd); err == nil && strings.HasPrefix(to, dir+"#") {
			if info, err := os.Stat(fd); err == nil {
				return info.Size()
			}
		}
	}
	return 0
}

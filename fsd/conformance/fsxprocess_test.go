package conformance

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// The commands of this binary that are the processes of the data test.
const (
	fsxWriteCommand = "do-fsx-write"
	fsxReadCommand  = "do-fsx-read"
)

// fsxState is what a writer says of a file, to its reader while it works, and to the test in the end.
type fsxState struct {
	Names      []string
	Generation int
	Size       int
	SHA256     string
	// Input is the hash of the input that the file was, and Lower says that it still is.
	Input string
	Lower bool
}

func (f *fsxFile) state() fsxState {
	return fsxState{f.names, f.generation, len(f.data), sha256Hex(f.data), f.input, f.lower}
}

func sha256Hex(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// fsxWrite is a process that owns some files: its configuration comes from stdin, what became of the files goes to
// stdout. Descriptor 3 carries announcements to a reader, who must have answered each on descriptor 4 before the
// writer goes on.
func fsxWrite([]string) error {
	var c fsxConfig
	if err := json.NewDecoder(os.Stdin).Decode(&c); err != nil {
		return err
	}
	r, err := newFSXRun(c, announcer(os.NewFile(3, "announcements"), os.NewFile(4, "replies")))
	if err != nil {
		return err
	}
	if err := r.run(); err != nil {
		return err
	}
	var states []fsxState
	for _, f := range r.files {
		states = append(states, f.state())
	}
	return json.NewEncoder(os.Stdout).Encode(states)
}

func announcer(to io.Writer, from io.Reader) func(*fsxFile) error {
	out, replies := json.NewEncoder(to), bufio.NewScanner(from)
	return func(f *fsxFile) error {
		f.note("announced")
		if err := out.Encode(f.state()); err != nil {
			return err
		}
		if !replies.Scan() {
			return errors.New("the reader has ended")
		}
		if s := replies.Text(); s != "" {
			return fmt.Errorf("another process: %s", s)
		}
		return nil
	}
}

// fsxReader is a process that only reads, by descriptors and mappings that it keeps.
type fsxReader struct {
	stale bool // see fsxConfig
	kept  map[string]*fsxKept
	count int
}

// fsxKept is what a reader keeps of a file. The first name is the key: a writer takes others for it later.
type fsxKept struct {
	generation int
	lower      bool
	fd         int
	memory     []byte
}

// fsxRead is a reader. Announcements come on descriptor 3, answers go to descriptor 4: a line, empty if all is right.
func fsxRead(args []string) error {
	r := &fsxReader{stale: args[0] == "stale", kept: map[string]*fsxKept{}}
	in, out := json.NewDecoder(os.NewFile(3, "announcements")), os.NewFile(4, "replies")
	for {
		var s fsxState
		if err := in.Decode(&s); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		answer := ""
		if err := guarded(func() error { return r.check(s) }); err != nil {
			answer = err.Error()
		}
		if _, err := fmt.Fprintln(out, answer); err != nil {
			return err
		}
	}
}

// check compares a file with what its writer says, through one of its names.
func (r *fsxReader) check(s fsxState) error {
	name := s.Names[r.count%len(s.Names)]
	r.count++
	k, err := r.open(name, s)
	if err != nil {
		return err
	}
	var st unix.Stat_t
	if err := unix.Fstat(k.fd, &st); err != nil {
		return err
	}
	if st.Size != int64(s.Size) || int(st.Nlink) != len(s.Names) {
		return fmt.Errorf("%s: size %d, %d links; expected %d, %d", name, st.Size, st.Nlink, s.Size, len(s.Names))
	}
	sum := sha256.New()
	mapped := min(len(k.memory), s.Size)
	sum.Write(k.memory[:mapped])
	if _, err := io.Copy(sum, io.NewSectionReader(readerAt(k.fd), int64(mapped), fsxMaxSize)); err != nil {
		return err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != s.SHA256 {
		return fmt.Errorf("%s: hash %s, expected %s; %d of %d bytes by a mapping", name, got, s.SHA256, mapped, s.Size)
	}
	return r.sometimesForget(name, k)
}

// open gives what is kept of a file as long as it is still that file, and opens it otherwise.
func (r *fsxReader) open(name string, s fsxState) (*fsxKept, error) {
	k := r.kept[name]
	if k != nil && (k.generation != s.Generation || r.stale && k.memory != nil && k.lower && !s.Lower) {
		if err := r.forget(name, k); err != nil {
			return nil, err
		}
		k = nil
	}
	if k != nil {
		return k, nil
	}
	fd, err := unix.Open(name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	k = &fsxKept{generation: s.Generation, lower: s.Lower, fd: fd}
	if s.Size > 0 && r.count%2 == 0 {
		if k.memory, err = unix.Mmap(fd, 0, s.Size, unix.PROT_READ, unix.MAP_SHARED); err != nil {
			return nil, errors.Join(fmt.Errorf("mmap %s: %w", name, err), unix.Close(fd))
		}
	}
	r.kept[name] = k
	return k, nil
}

func (r *fsxReader) sometimesForget(name string, k *fsxKept) error {
	if r.count%7 != 0 {
		return nil
	}
	return r.forget(name, k)
}

func (r *fsxReader) forget(name string, k *fsxKept) error {
	delete(r.kept, name)
	if k.memory != nil {
		if err := unix.Munmap(k.memory); err != nil {
			return err
		}
	}
	return unix.Close(k.fd)
}

type readerAt int

func (fd readerAt) ReadAt(b []byte, at int64) (int, error) {
	n, err := unix.Pread(int(fd), b, at)
	if err == nil && n == 0 {
		err = io.EOF
	}
	return max(n, 0), err
}

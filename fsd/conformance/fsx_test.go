package conformance

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/fsd/result"
)

// fsxFlags are the flags of the data test. A run is repeated by its seed.
var fsxFlags = struct {
	seed       *uint64
	ops, procs *int
}{
	flag.Uint64("fsx.seed", 0, "seed of the data test; 0 takes another one each time"),
	flag.Int("fsx.ops", 8000, "operations of each process of the data test"),
	flag.Int("fsx.procs", 3, "writing processes of the data test; each has a reading one beside it"),
}

// TestFSX is a data test after the model of fsx: processes read, write, map, cut and copy files at random, inputs and
// new ones, and know at every moment what each must hold. Others read along.
func TestFSX(t *testing.T) {
	seed := *fsxFlags.seed
	if seed == 0 {
		seed = rand.Uint64()
	}
	in := inputs{}
	for i := range *fsxFlags.procs {
		for _, file := range fsxInputs(seed + uint64(i)) {
			in[filepath.Join(fsxDir(i), file.name)] = input{content: string(file.content)}
		}
	}
	onEachPlace(t, in, func(t *testing.T, p *place) {
		t.Logf("%d processes, %d operations each; again with -run '%s' -fsx.seed %d -fsx.ops %d -fsx.procs %d",
			*fsxFlags.procs, *fsxFlags.ops, t.Name(), seed, *fsxFlags.ops, *fsxFlags.procs)
		states := make([][]fsxState, *fsxFlags.procs)
		var all sync.WaitGroup
		for i := range states {
			c := fsxConfig{Dir: p.path(fsxDir(i)), Seed: seed + uint64(i), Ops: *fsxFlags.ops}
			c.Stale, c.NoCopy = p.has(staleMappings), p.has(copyFromInput)
			c.Fallocate, c.Direct = fsxModes(t)
			all.Go(func() {
				var err error
				if states[i], err = fsxProcesses(c); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if r := p.result(); r != nil && !t.Failed() {
			for _, s := range states {
				checkCollected(t, p, r, s)
			}
		}
	})
}

func fsxDir(process int) string { return fmt.Sprintf("fsx/%d", process) }

// Damage to a file is found, whatever it is.
func TestFSXFinds(t *testing.T) {
	for kind := range fsxSabotages {
		t.Run(kind, func(t *testing.T) {
			c := fsxConfig{Dir: t.TempDir(), Seed: 1, Ops: 200, Sabotage: kind}
			for _, in := range fsxInputs(c.Seed) {
				must(t, os.WriteFile(filepath.Join(c.Dir, in.name), in.content, 0o644))
			}
			states, err := fsxProcesses(c)
			if err == nil {
				t.Errorf("nobody saw it: %+v", states)
			} else if !strings.Contains(err.Error(), "expected") && !strings.Contains(err.Error(), "hole") {
				t.Errorf("%v", err)
			}
		})
	}
}

// And the process that reads along finds it by itself.
func TestFSXReaderFinds(t *testing.T) {
	f := &fsxFile{names: []string{filepath.Join(t.TempDir(), "file")}, data: bytes.Repeat([]byte("data"), fsxPage)}
	must(t, os.WriteFile(f.names[0], f.data, 0o644))
	r := &fsxReader{kept: map[string]*fsxKept{}}
	for range 10 { // by a descriptor and by a mapping that it keeps
		must(t, r.check(f.state()))
		size, links, content := f.state(), f.state(), f.state()
		size.Size++
		links.Names = append(links.Names, links.Names[0])
		content.SHA256 = sha256Hex(nil)
		for _, wrong := range []fsxState{size, links, content} {
			if err := r.check(wrong); err == nil || !strings.Contains(err.Error(), "expected") {
				t.Errorf("%+v: %v", wrong, err)
			}
		}
	}
}

// fsxModes are the fallocate modes that the filesystem of the state directory has, and whether it has O_DIRECT. What it
// can do the view has to do.
func fsxModes(t *testing.T) (fallocate []uint32, direct bool) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "probe")
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_CREAT|unix.O_DIRECT, 0o600)
	direct = err == nil
	if !direct {
		fd, err = unix.Open(path, unix.O_RDWR|unix.O_CREAT, 0o600)
		must(t, err)
	}
	defer unix.Close(fd)
	for _, mode := range []uint32{
		0, unix.FALLOC_FL_KEEP_SIZE, unix.FALLOC_FL_PUNCH_HOLE | unix.FALLOC_FL_KEEP_SIZE,
		unix.FALLOC_FL_ZERO_RANGE, unix.FALLOC_FL_ZERO_RANGE | unix.FALLOC_FL_KEEP_SIZE,
	} {
		if unix.Fallocate(fd, mode, 0, fsxPage) == nil {
			fallocate = append(fallocate, mode)
		}
	}
	return fallocate, direct
}

// fsxProcesses runs a writer and its reader, and returns what the writer says in the end.
func fsxProcesses(c fsxConfig) ([]fsxState, error) {
	config, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	announced, announce, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	replied, reply, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	stale := "fresh"
	if c.Stale {
		stale = "stale"
	}
	var stdout, stderr bytes.Buffer
	writer := exec.Command("/proc/self/exe", fsxWriteCommand)
	writer.Stdin, writer.Stdout, writer.Stderr = bytes.NewReader(config), &stdout, &stderr
	writer.ExtraFiles = []*os.File{announce, replied}
	reader := exec.Command("/proc/self/exe", fsxReadCommand, stale)
	reader.Stderr = os.Stderr
	reader.ExtraFiles = []*os.File{announced, reply}
	reader.Env, writer.Env = childEnvironment(), childEnvironment()
	readerErr, writerErr := reader.Start(), writer.Start()
	for _, f := range []*os.File{announced, announce, replied, reply} {
		f.Close()
	}
	if writerErr == nil {
		writerErr = writer.Wait()
	}
	if readerErr == nil {
		readerErr = reader.Wait()
	}
	if writerErr != nil || readerErr != nil {
		return nil, fmt.Errorf("writer: %v, reader: %v\n%s", writerErr, readerErr, &stderr)
	}
	var states []fsxState
	return states, json.Unmarshal(stdout.Bytes(), &states)
}

// checkCollected compares the result with what the files hold in the end. One that nobody has changed is still an
// input.
func checkCollected(t *testing.T, p *place, r *result.Result, states []fsxState) {
	t.Helper()
	for _, s := range states {
		for _, name := range s.Names {
			name := strings.TrimPrefix(strings.TrimPrefix(name, p.dir), "/")
			e, ok := r.HashedFiles.Find(name)
			if ok && e.Kind == result.Hardlink {
				e, ok = r.HashedFiles.Find(e.Target)
			}
			switch {
			case !ok && s.SHA256 == s.Input && strings.HasPrefix(filepath.Base(name), "in"):
				// Opened for writing perhaps, which a driver need not take for a change.
			case !ok || s.Lower:
				t.Errorf("%s: in the result: %v, changed by the test: %v", name, ok, !s.Lower)
			case e.Kind != result.File || e.Hash.Hex() != s.SHA256 || e.Size != int64(s.Size):
				t.Errorf("%s: the result has %s %s, size %d; expected %s, %d", name, e.Kind, e.Hash, e.Size, s.SHA256, s.Size)
			}
		}
	}
}

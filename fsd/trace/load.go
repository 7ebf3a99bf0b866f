package trace

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/casview/casview/cas"
)

// Fault is an input that the store could not deliver: its blob is missing, damaged or unreadable.
type Fault struct {
	Path   string
	Digest cas.Digest
	Cause  string
}

// Trace is what a job saw of its view. All lists are sorted and without duplicates.
type Trace struct {
	Inputs []string // files and symlinks whose content was read
	Listed []string // directories whose names were read
	Absent []string // paths that were asked for and did not exist
	Faults []Fault  // one per path and digest, with the first cause
	// Torn says that the log ends inside a record, so later events are lost: the disk was full or the power failed.
	Torn bool
}

// Load reads a trace to its end or to the first record that is torn. A trace that is still being written may be loaded.
// Only an error of r itself is returned; the trace read so far comes with it.
func Load(r io.Reader) (Trace, error) {
	sets := map[kind]map[string]struct{}{kindRead: {}, kindListed: {}, kindAbsent: {}}
	faults := map[faultKey]Fault{}
	br := bufio.NewReaderSize(r, 1<<16)
	buf := make([]byte, 4096)
	torn := false
	var failed error
	for {
		k, body, err := readRecord(br, buf)
		if err == nil && k == kindFault {
			err = addFault(faults, body)
		}
		if err != nil {
			torn = errors.Is(err, errTorn)
			if !torn && !errors.Is(err, io.EOF) {
				failed = fmt.Errorf("read trace: %w", err)
			}
			break
		}
		if k != kindFault {
			sets[k][string(body)] = struct{}{}
		}
	}
	return Trace{
		Inputs: slices.Sorted(maps.Keys(sets[kindRead])),
		Listed: slices.Sorted(maps.Keys(sets[kindListed])),
		Absent: slices.Sorted(maps.Keys(sets[kindAbsent])),
		Faults: slices.SortedFunc(maps.Values(faults), compareFaults),
		Torn:   torn,
	}, failed
}

type faultKey struct {
	path   string
	digest cas.Digest
}

func addFault(faults map[faultKey]Fault, body []byte) error {
	f, err := parseFault(body)
	if err != nil {
		return err
	}
	key := faultKey{f.Path, f.Digest}
	if _, known := faults[key]; !known {
		faults[key] = f
	}
	return nil
}

func compareFaults(a, b Fault) int {
	return cmp.Or(cmp.Compare(a.Path, b.Path), a.Digest.Compare(b.Digest))
}

package ingest

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/cas/digest"
	"github.com/casview/casview/cas/tree"
)

// index remembers the digests of files by their identity. It is a file below the store, one for each ingested directory:
//
//	header   magic, version, algorithm, root digest of the run that saved it, number of records
//	records  sorted by device and inode (record.go)
//	trailer  SHA-256 of everything before
//
// It only saves work. Whatever is wrong with it, it is taken for empty. Like every such index it can't see a store to a
// mapped page that was dirty already, because the kernel sets no new time for that.
type index struct {
	path    string
	alg     cas.Algorithm
	root    cas.Digest // zero if there was no usable index
	raw     []byte     // the file as it is on disk
	records []byte     // part of raw
}

const (
	indexMagic   = "casview ingest index"
	indexVersion = 1
	// header: magic, version and algorithm (a byte each), 2 bytes of zero, root digest, number of records.
	headerSize  = len(indexMagic) + 4 + sumSize + 8
	trailerSize = sumSize
	sumSize     = 32
	// maxIndex bounds what is read into memory: records of 10 million files, the default of policy.max_inputs.
	maxIndex = 1 << 30
)

// forgetAfter is when an index that covers parts of a directory drops what no run asked for: inodes come and go.
const forgetAfter = 30 // days

// indexPath is where the index for dir is, which is absolute and free of symlinks.
func indexPath(s *cas.Local, dir string) string {
	return filepath.Join(s.Dir(), "index", cas.Sum(cas.SHA256, []byte(dir)).Hex())
}

func loadIndex(path string, a cas.Algorithm) *index {
	x := &index{path: path, alg: a}
	f, err := os.Open(path)
	if err != nil {
		return x
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxIndex+1))
	if err != nil || len(raw) > maxIndex {
		return x
	}
	x.parse(raw)
	return x
}

// parse takes raw if all of it is right, and leaves the index empty otherwise.
func (x *index) parse(raw []byte) {
	if len(raw) < headerSize+trailerSize {
		return
	}
	body, trailer := raw[:len(raw)-trailerSize], raw[len(raw)-trailerSize:]
	if !bytes.Equal(cas.Sum(cas.SHA256, body).Bytes(), trailer) {
		return
	}
	records := body[headerSize:]
	sum := body[len(indexMagic)+4:][:sumSize]
	root, err := digest.New(x.alg, sum)
	if err != nil || !bytes.Equal(body[:headerSize], header(root, len(records)/recordSize)) || len(records)%recordSize != 0 {
		return
	}
	x.raw, x.records, x.root = raw, records, root
}

func header(root cas.Digest, count int) []byte {
	b := make([]byte, 0, headerSize)
	b = append(b, indexMagic...)
	b = append(b, indexVersion, byte(root.Algorithm()), 0, 0)
	b = append(b, root.Bytes()...)
	return order.AppendUint64(b, uint64(count))
}

func (x *index) len() int { return len(x.records) / recordSize }

func (x *index) seen(i int) uint32 { return recordSeen(x.records[i*recordSize:]) }

func (x *index) at(i int) record { return decodeRecord(x.records[i*recordSize:], x.alg) }

// find returns the digest of the file with this very identity.
func (x *index) find(id identity) (cas.Digest, bool) {
	low, high := 0, x.len()
	for low < high {
		mid := (low + high) / 2
		dev, ino := recordKey(x.records[mid*recordSize:])
		switch c := cmp.Or(cmp.Compare(dev, id.dev), cmp.Compare(ino, id.ino)); {
		case c < 0:
			low = mid + 1
		case c > 0:
			high = mid
		default:
			r := x.at(mid)
			return r.digest, r.id == id
		}
	}
	return cas.Digest{}, false
}

// save replaces the index by what this run found out. A run over a part keeps what it did not look at.
func (x *index) save(root cas.Digest, paths []*found, part bool, now time.Time) error {
	today := uint32(now.Unix() / (24 * 60 * 60))
	if x.holds(root, paths, today) {
		return nil
	}
	records := make([]record, 0, len(paths))
	for _, f := range paths {
		if f.entry.Kind == tree.File && f.indexed {
			records = append(records, record{id: f.id, digest: f.entry.Digest, seen: today})
		}
	}
	if part {
		for i := range x.len() {
			if r := x.at(i); today-r.seen < forgetAfter {
				records = append(records, r)
			}
		}
	}
	// Stable: of several records for one inode (hard links, or one that was kept) the first, newest one stays.
	slices.SortStableFunc(records, record.compare)
	records = slices.CompactFunc(records, func(a, b record) bool { return a.compare(b) == 0 })

	raw := header(root, len(records))
	raw = slices.Grow(raw, len(records)*recordSize+trailerSize)
	for _, r := range records {
		raw = r.append(raw)
	}
	raw = append(raw, cas.Sum(cas.SHA256, raw).Bytes()...)
	if bytes.Equal(raw, x.raw) {
		return nil
	}
	return x.write(raw)
}

// holds reports whether a run has found nothing that the index does not say already: the records are those of its files, and
// all are of today. Where one inode has several names, save finds out.
func (x *index) holds(root cas.Digest, paths []*found, today uint32) bool {
	if x.root != root {
		return false
	}
	files := 0
	for _, f := range paths {
		if f.entry.Kind != tree.File {
			continue
		}
		if !f.known {
			return false
		}
		files++
	}
	if files != x.len() {
		return false
	}
	for i := range files {
		if x.seen(i) != today {
			return false
		}
	}
	return true
}

// write replaces the file at once. It need not be durable: after a power cut its checksum tells.
func (x *index) write(raw []byte) (err error) {
	dir := filepath.Dir(x.path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("save index: %w", err)
	}
	f, err := os.CreateTemp(dir, filepath.Base(x.path)+".*")
	if err != nil {
		return fmt.Errorf("save index: %w", err)
	}
	_, err = f.Write(raw)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(f.Name(), x.path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("save index: %w", err)
	}
	return nil
}

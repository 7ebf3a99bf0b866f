package ingest

import (
	"cmp"
	"encoding/binary"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/cas/digest"
)

// record is what the index holds for one file.
type record struct {
	id     identity
	digest cas.Digest
	seen   uint32 // day of the last run that used it, counted from 1970
}

// recordSize is the length of an encoded record: device, inode, size, mtime and ctime (8+4 each), day, hash.
const recordSize = 3*8 + 2*12 + 4 + sumSize

// order is the byte order of the index.
var order = binary.LittleEndian

func (r record) compare(o record) int {
	return cmp.Or(cmp.Compare(r.id.dev, o.id.dev), cmp.Compare(r.id.ino, o.id.ino))
}

func (r record) append(b []byte) []byte {
	b = order.AppendUint64(b, r.id.dev)
	b = order.AppendUint64(b, r.id.ino)
	b = order.AppendUint64(b, uint64(r.id.size))
	for _, t := range []stamp{r.id.mtime, r.id.ctime} {
		b = order.AppendUint64(b, uint64(t.sec))
		b = order.AppendUint32(b, uint32(t.nsec))
	}
	b = order.AppendUint32(b, r.seen)
	return append(b, r.digest.Bytes()...)
}

func recordKey(b []byte) (dev, ino uint64) { return order.Uint64(b), order.Uint64(b[8:]) }

func recordSeen(b []byte) uint32 { return order.Uint32(b[48:]) }

func decodeRecord(b []byte, a cas.Algorithm) record {
	var r record
	r.id.dev, r.id.ino = recordKey(b)
	r.id.size = int64(order.Uint64(b[16:]))
	r.id.mtime = stamp{sec: int64(order.Uint64(b[24:])), nsec: int32(order.Uint32(b[32:]))}
	r.id.ctime = stamp{sec: int64(order.Uint64(b[36:])), nsec: int32(order.Uint32(b[44:]))}
	r.seen = recordSeen(b)
	r.digest, _ = digest.New(a, b[52:recordSize]) // the lengths agree
	return r
}

package trace

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/cas/digest"
)

// kind says what a record tells. The values are part of the format on disk; zero is left out because a file that lost
// its data blocks in a power cut reads as zeros.
type kind byte

const (
	kindRead   kind = 1
	kindListed kind = 2
	kindAbsent kind = 3
	kindFault  kind = 4
)

const (
	headerSize = 5
	// maxBody bounds what a damaged length makes a reader allocate. Paths end at a few thousand bytes in practice.
	maxBody = 1 << 20
)

// errTorn says that the log ends, or stops making sense, inside a record.
var errTorn = errors.New("trace ends inside a record")

// appendHeader starts a record whose body is n bytes.
func appendHeader(b []byte, k kind, n int) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(n))
	return append(b, byte(k))
}

func appendFault(b []byte, path string, d cas.Digest, cause string) []byte {
	for _, field := range []string{path, d.String(), cause} {
		b = binary.AppendUvarint(b, uint64(len(field)))
		b = append(b, field...)
	}
	return b
}

// readRecord returns the next record, io.EOF after the last one and errTorn where the rest can't be read. The body is
// only valid until the next call with the same buffer.
func readRecord(r io.Reader, buf []byte) (kind, []byte, error) {
	var header [headerSize]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return 0, nil, torn(err)
	}
	n, k := binary.LittleEndian.Uint32(header[:4]), kind(header[4])
	if n > maxBody || k < kindRead || k > kindFault {
		return 0, nil, errTorn
	}
	if int(n) > cap(buf) {
		buf = make([]byte, n)
	}
	buf = buf[:n]
	if _, err := io.ReadFull(r, buf); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return 0, nil, torn(err)
	}
	return k, buf, nil
}

// torn turns the end of the file in the middle of a record into errTorn.
func torn(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return errTorn
	}
	return err
}

func parseFault(body []byte) (Fault, error) {
	var fields [3]string
	for i := range fields {
		n, used := binary.Uvarint(body)
		if used <= 0 || n > uint64(len(body)-used) {
			return Fault{}, errTorn
		}
		body = body[used:]
		fields[i], body = string(body[:n]), body[n:]
	}
	if len(body) != 0 {
		return Fault{}, errTorn
	}
	f := Fault{Path: fields[0], Cause: fields[2]}
	if fields[1] == "" {
		return f, nil
	}
	d, err := digest.Parse(fields[1])
	if err != nil {
		return Fault{}, fmt.Errorf("%w: %w", errTorn, err)
	}
	f.Digest = d
	return f, nil
}

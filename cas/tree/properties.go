package tree

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// properties is a NodeProperties message as casview writes it.
type properties struct {
	mode    uint32
	hasMode bool
	sec     int64
	nsec    int32
}

// propertiesOf returns a file's or symlink's properties. A symlink has no mode
// of its own in Linux, so none is written.
func propertiesOf(e *Entry) properties {
	return properties{mode: e.Mode, hasMode: e.Kind != Symlink, sec: e.MtimeSec, nsec: e.MtimeNsec}
}

func (p properties) sizeMtime() int {
	return sizeVarint(uint64(p.sec)) + sizeVarint(uint64(p.nsec))
}

func (p properties) size() int {
	size := sizeField(p.sizeMtime())
	if p.hasMode {
		size += sizeField(sizeVarint(uint64(p.mode)))
	}
	return size
}

func (p properties) append(b []byte) []byte {
	b = appendHead(b, propsMtime, p.sizeMtime())
	b = appendVarint(b, timestampSec, uint64(p.sec))
	b = appendVarint(b, timestampNanos, uint64(p.nsec))
	if p.hasMode {
		b = appendHead(b, propsMode, sizeVarint(uint64(p.mode)))
		b = appendVarint(b, uint32Value, uint64(p.mode))
	}
	return b
}

// decode reads a NodeProperties message over p, which holds the defaults.
func (p *properties) decode(v value) error {
	b, err := v.message()
	if err != nil {
		return err
	}
	err = eachField(b, func(field protowire.Number, v value) error {
		switch field {
		case propsMtime:
			return p.decodeMtime(v)
		case propsMode:
			return p.decodeMode(v)
		}
		return nil
	})
	return err
}

func (p *properties) decodeMtime(v value) error {
	b, err := v.message()
	if err != nil {
		return err
	}
	nanos := int64(p.nsec)
	err = eachField(b, func(field protowire.Number, v value) error {
		switch field {
		case timestampSec:
			p.sec = int64(v.number)
		case timestampNanos:
			nanos = int64(v.number)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if nanos < 0 || nanos > maxNanos {
		return errNanos
	}
	p.nsec = int32(nanos)
	return checkMtime(p.sec, p.nsec)
}

// decodeMode keeps the permission bits: some clients write the file type too.
func (p *properties) decodeMode(v value) error {
	b, err := v.message()
	if err != nil {
		return err
	}
	p.mode, p.hasMode = 0, true
	return eachField(b, func(field protowire.Number, v value) error {
		if field == uint32Value {
			p.mode = uint32(v.number) & modeMask
		}
		return nil
	})
}

// The limits of google.protobuf.Timestamp: years 1 to 9999.
const (
	minSeconds = -62135596800
	maxSeconds = 253402300799
	maxNanos   = 999999999
)

var (
	errNanos = fmt.Errorf("mtime nanoseconds are not in 0..%d", maxNanos)
	errMode  = fmt.Errorf("mode is not in 0..%d (07777)", modeMask)
)

func checkMtime(sec int64, nsec int32) error {
	if sec < minSeconds || sec > maxSeconds {
		return fmt.Errorf("mtime %d is not in the years 1 to 9999", sec)
	}
	if nsec < 0 || nsec > maxNanos {
		return errNanos
	}
	return nil
}

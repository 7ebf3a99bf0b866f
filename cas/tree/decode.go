package tree

import (
	"encoding/hex"
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/cas/digest"
)

// Decode reads a Directory message whose digests are of algorithm a.
//
// It takes what other REAPI clients write: unknown fields and string properties
// are ignored, and without node_properties a file is 0644 (0755 if
// is_executable), a directory 0755, and mtime is 0. It refuses what no correct
// client writes: bad, unsorted or repeated names, bad digests, sizes and times.
//
// The entries are one slice and their names share one string; b is not kept.
func Decode(b []byte, a cas.Algorithm) (*Directory, error) {
	d := &Directory{Mode: defaultDirMode}
	counts, text, err := d.survey(b)
	if err != nil {
		return nil, fmt.Errorf("directory message: %w", err)
	}
	lists := [...]list{{kind: File, field: dirFiles}, {kind: Dir, field: dirDirectories}, {kind: Symlink, field: dirSymlinks}}
	names := newArena(text)
	for i := range lists {
		lists[i].rest, lists[i].left, lists[i].algorithm, lists[i].names = b, counts[i], a, names
		if err := lists[i].next(); err != nil {
			return nil, fmt.Errorf("directory message: %w", err)
		}
	}
	d.Entries = make([]Entry, 0, counts[0]+counts[1]+counts[2])
	for len(d.Entries) < cap(d.Entries) {
		first := firstOf(&lists)
		if n := len(d.Entries); n > 0 && d.Entries[n-1].Name == first.head.Name {
			return nil, fmt.Errorf("directory message: two entries are named %q", first.head.Name)
		}
		d.Entries = append(d.Entries, first.head)
		if err := first.next(); err != nil {
			return nil, fmt.Errorf("directory message: %w", err)
		}
	}
	return d, nil
}

// survey reads the directory's own properties and checks the outer message. It
// returns how many files, directories and symlinks there are, and an upper bound
// for the bytes in their names and targets.
func (d *Directory) survey(b []byte) (counts [3]int, text int, err error) {
	p := properties{mode: defaultDirMode}
	err = eachField(b, func(field protowire.Number, v value) error {
		switch field {
		case dirFiles, dirDirectories, dirSymlinks:
			node, err := v.message()
			if err != nil {
				return err
			}
			counts[field-dirFiles]++
			n, err := textIn(node, field == dirSymlinks)
			if err == nil && n == 0 {
				err = errNoName // before Decode allocates for as many entries as were counted
			}
			text += n
			return err
		case dirProps:
			return p.decode(v)
		}
		return nil
	})
	d.Mode, d.MtimeSec, d.MtimeNsec = p.mode, p.sec, p.nsec
	return counts, text, err
}

// textIn is the length of a node's encoded name and target.
func textIn(node []byte, isLink bool) (int, error) {
	text := 0
	err := eachField(node, func(field protowire.Number, v value) error {
		if field == nodeName || isLink && field == linkTarget {
			text += len(v.bytes)
		}
		return nil
	})
	return text, err
}

// list walks over one of the three repeated fields of a message that survey
// has checked.
type list struct {
	kind      Kind
	field     protowire.Number
	rest      []byte // of the message
	left      int    // entries not yet read
	head      Entry  // the entry read last, while more is true
	more      bool
	algorithm cas.Algorithm
	names     *arena
}

// next moves on to the following entry.
func (l *list) next() error {
	if l.more = l.left > 0; !l.more {
		return nil
	}
	l.left--
	for {
		field, v, n, err := nextField(l.rest)
		if err != nil {
			return err
		}
		l.rest = l.rest[n:]
		if field != l.field {
			continue
		}
		e, err := decodeNode(v.bytes, l.kind, l.algorithm, l.names)
		if err != nil {
			return err
		}
		if l.head.Name != "" && compareNames(l.head.Name, e.Name) > 0 {
			return fmt.Errorf("%s %q comes after %q: not sorted", l.kind, e.Name, l.head.Name)
		}
		l.head = e
		return nil
	}
}

// firstOf returns the list whose head sorts first. Some list has more.
func firstOf(lists *[3]list) *list {
	var first *list
	for i := range lists {
		l := &lists[i]
		if l.more && (first == nil || compareNames(l.head.Name, first.head.Name) < 0) {
			first = l
		}
	}
	return first
}

func decodeNode(b []byte, kind Kind, a cas.Algorithm, names *arena) (Entry, error) {
	e := Entry{Kind: kind}
	p := properties{mode: defaultMode}
	var hash []byte
	err := eachField(b, func(field protowire.Number, v value) (err error) {
		switch {
		case field == nodeName:
			e.Name, err = names.decode(v)
		case field == nodeDigest && kind != Symlink:
			hash, err = decodeDigest(v, hash, &e.Size)
		case field == linkTarget && kind == Symlink:
			e.Target, err = names.decode(v)
		case field == fileExecutable && kind == File:
			if v.number != 0 && !p.hasMode {
				p.mode = executableMode
			}
		case field == fileProps && kind == File, field == linkProps && kind == Symlink:
			err = p.decode(v)
		}
		return err
	})
	if err == nil {
		err = checkName(e.Name)
	}
	if err != nil {
		return Entry{}, fmt.Errorf("%s %q: %w", kind, e.Name, err)
	}
	switch kind {
	case File:
		e.Mode, e.MtimeSec, e.MtimeNsec = p.mode, p.sec, p.nsec
		e.Digest, err = parseHash(hash, a)
	case Dir:
		e.Digest, err = parseHash(hash, a)
	case Symlink:
		e.Mode, e.MtimeSec, e.MtimeNsec = symlinkMode, p.sec, p.nsec
		err = checkTarget(e.Target)
	}
	if err != nil {
		return Entry{}, fmt.Errorf("%s %q: %w", kind, e.Name, err)
	}
	return e, nil
}

// decodeDigest returns the hash as written, or the one before if v has none,
// and sets size.
func decodeDigest(v value, before []byte, size *int64) ([]byte, error) {
	b, err := v.message()
	if err != nil {
		return nil, err
	}
	hash := before
	err = eachField(b, func(field protowire.Number, v value) error {
		switch field {
		case digestHash:
			hash = v.bytes
		case digestSize:
			*size = int64(v.number)
		}
		return nil
	})
	if err == nil && *size < 0 {
		err = fmt.Errorf("size %d is negative", *size)
	}
	return hash, err
}

func parseHash(hash []byte, a cas.Algorithm) (cas.Digest, error) {
	var sum [hexSize / 2]byte
	if len(hash) != hexSize {
		return cas.Digest{}, fmt.Errorf("digest %q does not have %d hex digits", clip(hash), hexSize)
	}
	for _, c := range hash {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return cas.Digest{}, fmt.Errorf("digest %q is not lower-case hex", hash)
		}
	}
	if _, err := hex.Decode(sum[:], hash); err != nil {
		return cas.Digest{}, fmt.Errorf("digest %q: %w", hash, err)
	}
	return digest.New(a, sum[:])
}

// clip keeps error messages about hostile input short.
func clip(b []byte) []byte { return b[:min(len(b), 100)] }

var errNoName = errors.New("an entry has no name")

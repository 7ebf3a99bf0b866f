package tree

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/cas/digest"
)

// member is a bit for each key that an entry can have.
type member uint16

const (
	keyPath member = 1 << iota
	keyPathBytes
	keyType
	keyHash
	keyTarget
	keyTargetBytes
	keyMode
	keyMtimeSec
	keyMtimeNsec
)

func memberOf(key []byte) member {
	switch string(key) {
	case "path":
		return keyPath
	case "path_bytes":
		return keyPathBytes
	case "type":
		return keyType
	case "hash":
		return keyHash
	case "target":
		return keyTarget
	case "target_bytes":
		return keyTargetBytes
	case "mode":
		return keyMode
	case "mtime_sec":
		return keyMtimeSec
	case "mtime_nsec":
		return keyMtimeNsec
	}
	return 0
}

// jsonEntry is an entry's JSON taken apart, nothing checked but the types.
type jsonEntry struct {
	has                        member
	path, kind, hash, target   string
	mode, mtimeSec, mtimeNanos int64
}

// parseEntry reads raw, valid JSON, as one entry. With an error it returns the
// path alone, if there is one.
func parseEntry(raw []byte, o ManifestOptions) (ManifestEntry, error) {
	var j jsonEntry
	parseErr := j.parse(raw)
	e := ManifestEntry{Path: j.path}
	if parseErr != nil {
		return e, parseErr
	}
	if n := j.has & (keyPath | keyPathBytes); n != keyPath && n != keyPathBytes {
		return e, errors.New("exactly one of path and path_bytes is required")
	}
	if err := CheckPath(j.path); err != nil {
		return e, err
	}
	full, err := j.entry(o)
	if err != nil {
		return e, err
	}
	full.Path = j.path
	_, full.Name = split(j.path)
	return full, nil
}

// parse fills j. It goes on after an error, so that j has the path anyway.
func (j *jsonEntry) parse(raw []byte) error {
	var first error
	err := eachMember(raw, func(key, val []byte) {
		if err := j.set(key, val); err != nil && first == nil {
			first = err
		}
	})
	if err != nil {
		return err
	}
	return first
}

func (j *jsonEntry) set(key, val []byte) error {
	m := memberOf(key)
	switch {
	case m == 0:
		return fmt.Errorf("unknown key %q", clip(key))
	case j.has&m != 0:
		return fmt.Errorf("key %q comes twice", key)
	}
	j.has |= m
	var err error
	switch m {
	case keyPath:
		j.path, err = jsonString(val)
		if err == errNotText {
			err = fmt.Errorf("%w: give it as path_bytes", err)
		}
	case keyPathBytes:
		j.path, err = jsonBytes(val)
	case keyType:
		j.kind, err = jsonString(val)
	case keyHash:
		j.hash, err = jsonString(val)
	case keyTarget:
		j.target, err = jsonString(val)
		if err == errNotText {
			err = fmt.Errorf("%w: give it as target_bytes", err)
		}
	case keyTargetBytes:
		j.target, err = jsonBytes(val)
	case keyMode:
		j.mode, err = jsonInt(val)
	case keyMtimeSec:
		j.mtimeSec, err = jsonInt(val)
	case keyMtimeNsec:
		j.mtimeNanos, err = jsonInt(val)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	return nil
}

// entry checks everything but the path.
func (j *jsonEntry) entry(o ManifestOptions) (ManifestEntry, error) {
	e := ManifestEntry{HasMode: j.has&keyMode != 0, HasMtime: j.has&(keyMtimeSec|keyMtimeNsec) != 0}
	var err error
	if e.Kind, err = j.parseKind(); err != nil {
		return e, err
	}
	if e.Digest, e.Size, err = j.parseHash(e.Kind, o.HashOptional); err != nil {
		return e, err
	}
	if e.Target, err = j.parseTarget(e.Kind); err != nil {
		return e, err
	}
	if e.Mode, err = j.parseMode(e.Kind); err != nil {
		return e, err
	}
	if j.mtimeNanos < 0 || j.mtimeNanos > maxNanos {
		return e, fmt.Errorf("mtime_nsec %d is not in 0..%d", j.mtimeNanos, maxNanos)
	}
	e.MtimeSec, e.MtimeNsec = j.mtimeSec, int32(j.mtimeNanos)
	return e, checkMtime(e.MtimeSec, e.MtimeNsec)
}

func (j *jsonEntry) parseKind() (Kind, error) {
	if j.has&keyType == 0 {
		return File, nil
	}
	for _, k := range []Kind{File, Dir, Symlink} {
		if j.kind == k.String() {
			return k, nil
		}
	}
	return 0, fmt.Errorf("unknown type %q, want file, dir or symlink", clip([]byte(j.kind)))
}

func (j *jsonEntry) parseHash(kind Kind, optional bool) (cas.Digest, int64, error) {
	switch given := j.has&keyHash != 0; {
	case kind != File && given:
		return cas.Digest{}, 0, fmt.Errorf("hash is refused for a %s", kind)
	case kind == File && !given && !optional:
		return cas.Digest{}, 0, errors.New("hash is required for a file")
	case kind != File:
		return cas.Digest{}, 0, nil
	case !given:
		return cas.Digest{}, -1, nil
	}
	d, size, err := digest.ParseSize(j.hash)
	if err != nil {
		return cas.Digest{}, 0, fmt.Errorf("hash: %w", err)
	}
	return d, size, nil
}

func (j *jsonEntry) parseTarget(kind Kind) (string, error) {
	given := j.has & (keyTarget | keyTargetBytes)
	switch {
	case kind != Symlink && given != 0:
		return "", fmt.Errorf("target is refused for a %s", kind)
	case kind != Symlink:
		return "", nil
	case given == 0:
		return "", errors.New("target is required for a symlink")
	case given == keyTarget|keyTargetBytes:
		return "", errors.New("only one of target and target_bytes is allowed")
	}
	return j.target, checkTarget(j.target)
}

func (j *jsonEntry) parseMode(kind Kind) (uint32, error) {
	switch {
	case kind == Symlink && j.has&keyMode != 0 && j.mode != symlinkMode:
		return 0, fmt.Errorf("mode %d is refused: a symlink always has %d (0777)", j.mode, symlinkMode)
	case kind == Symlink:
		return symlinkMode, nil
	case kind == Dir && j.has&keyMode == 0:
		return defaultDirMode, nil
	case j.has&keyMode == 0:
		return defaultMode, nil
	case j.mode < 0 || j.mode > modeMask:
		return 0, fmt.Errorf("mode %d is not in 0..%d (07777)", j.mode, modeMask)
	}
	return uint32(j.mode), nil
}

func jsonBytes(val []byte) (string, error) {
	text, err := jsonString(val)
	if err != nil {
		return "", err
	}
	b, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil {
		return "", fmt.Errorf("not base64: %w", err)
	}
	return string(b), nil
}

func jsonInt(val []byte) (int64, error) {
	n, err := strconv.ParseInt(string(val), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s is not a whole number of 64 bits", clip(val))
	}
	return n, nil
}

package cdi

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/renameio/v2"
)

// SystemDir is the folder of specs that every engine with CDI reads by itself.
const SystemDir = "/etc/cdi"

// RuntimeDir is the other one: what is in it is gone with the next boot.
const RuntimeDir = "/var/run/cdi"

// Dir is a folder of CDI specs. Each input set has a file of its own in it; files of others stay as they are.
type Dir string

const (
	filePrefix = "casview.io-inputs_"
	fileSuffix = ".json"
)

// Path is a device's file.
func (d Dir) Path(name Name) string {
	return filepath.Join(string(d), filePrefix+string(name)+fileSuffix)
}

// Write makes a device, or replaces casview's own of that name. The file appears whole: an engine may read the folder at any
// time.
func (d Dir) Write(device Device) error {
	text, err := device.Encode()
	if err != nil {
		return err
	}
	path := d.Path(device.Name)
	old, err := os.ReadFile(path)
	switch {
	case err == nil && !isOwn(old, device.Name):
		return notOwn(path)
	case err == nil && bytes.Equal(old, text):
		return nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := os.MkdirAll(string(d), 0o755); err != nil {
		return err
	}
	// IgnoreUmask: other users' engines read it too.
	return renameio.WriteFile(path, text, 0o644, renameio.WithTempDir(string(d)), renameio.IgnoreUmask())
}

// List returns the devices that casview wrote, by name. A folder that is missing has none.
func (d Dir) List() ([]Device, error) {
	entries, err := os.ReadDir(string(d))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var out []Device
	for _, e := range entries {
		name, ok := nameOf(e.Name())
		if !ok {
			continue
		}
		text, err := os.ReadFile(d.Path(name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if device, ok := Decode(text); ok && device.Name == name {
			out = append(out, device)
		}
	}
	slices.SortFunc(out, func(a, b Device) int { return cmp.Compare(a.Name, b.Name) })
	return out, nil
}

// Remove removes a device that casview wrote; fs.ErrNotExist when there is none of that name.
func (d Dir) Remove(name Name) error {
	path := d.Path(name)
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if !isOwn(text, name) {
		return notOwn(path)
	}
	return os.Remove(path)
}

func nameOf(file string) (Name, bool) {
	rest, ok := strings.CutPrefix(file, filePrefix)
	if !ok {
		return "", false
	}
	rest, ok = strings.CutSuffix(rest, fileSuffix)
	if !ok {
		return "", false
	}
	name, err := ParseName(rest)
	return name, err == nil
}

func isOwn(text []byte, name Name) bool {
	device, ok := Decode(text)
	return ok && device.Name == name
}

func notOwn(path string) error {
	return fmt.Errorf("%s: is there and is not what casview wrote: move it away first", path)
}

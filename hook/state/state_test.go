package state

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReadRefuses(t *testing.T) {
	whole := golden(t, "runc.createRuntime.json")
	cases := []struct {
		name string
		in   io.Reader
		want string
	}{
		{"empty", strings.NewReader(""), "empty"},
		{"truncated", strings.NewReader(whole[:100]), "(100 bytes): unexpected end of JSON input"},
		{"two states", strings.NewReader(whole + whole), "invalid character"},
		{"100 MB", io.LimitReader(spaces{}, 100<<20), "larger than 1024 KiB"},
		{"endless", spaces{}, "larger than 1024 KiB"},
		{"no JSON", strings.NewReader("\nhello\n"), "invalid character"},
		{"null", strings.NewReader("null"), "has no id"},
		{"no id", strings.NewReader(`{"pid":1}`), "has no id"},
		{"id is a path", strings.NewReader(`{"id":"../x"}`), "not valid"},
		{"id with newline", strings.NewReader(`{"id":"a\nb"}`), "not valid"},
		{"negative pid", strings.NewReader(`{"id":"x","pid":-1}`), "not valid"},
		{"pid is a string", strings.NewReader(`{"id":"x","pid":"1"}`), "cannot unmarshal"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := Read(c.in)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %q, want %q in one line", err, c.want)
			}
		})
	}
}

type spaces struct{}

func (spaces) Read(b []byte) (int, error) { return copy(b, bytes.Repeat([]byte(" "), len(b))), nil }

// crun's state may name a bundle that is not there; the hook's own directory is the bundle then.
func TestConfigIsFoundInTheWorkingDirectory(t *testing.T) {
	cwd, bundle := t.TempDir(), t.TempDir()
	s := State{}
	s.ID, s.Bundle = "job", filepath.Join(bundle, "gone")
	if _, err := ReadConfig(s, cwd); err == nil || !strings.Contains(err.Error(), "gone/config.json") {
		t.Errorf("neither: %v", err)
	}
	write(t, cwd, `{"root":{"path":"rootfs"}}`)
	c, err := ReadConfig(s, cwd)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Rootfs(s, c); err != nil || got != filepath.Join(cwd, "rootfs") {
		t.Errorf("rootfs %q, %v", got, err)
	}
	s.Bundle = bundle
	write(t, bundle, `{"root":{"path":"/abs/../rootfs"}}`)
	if c, err = ReadConfig(s, cwd); err != nil {
		t.Fatal(err)
	}
	if got, err := Rootfs(s, c); err != nil || got != "/rootfs" {
		t.Errorf("rootfs %q, %v", got, err)
	}
	s.Root = "/by/crun"
	if got, err := Rootfs(s, c); err != nil || got != "/by/crun" {
		t.Errorf("rootfs %q, %v", got, err)
	}
	write(t, bundle, `{"root":`)
	if _, err := ReadConfig(s, cwd); err == nil || !strings.Contains(err.Error(), bundle+"/config.json: unexpected end") {
		t.Errorf("a damaged configuration in the bundle: %v", err)
	}
	write(t, bundle, `{}`)
	s.Root = ""
	if c, err = ReadConfig(s, "/"); err != nil {
		t.Fatal(err)
	}
	if _, err := Rootfs(s, c); err == nil || !strings.Contains(err.Error(), "has no root.path") {
		t.Errorf("no root: %v", err)
	}
	s.Bundle = "relative"
	if _, err := ReadConfig(s, ""); err == nil || !strings.Contains(err.Error(), "names no bundle") {
		t.Errorf("no bundle: %v", err)
	}
}

func write(t *testing.T, dir, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, configName), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

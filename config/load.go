package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/BurntSushi/toml"
)

// maxFile bounds what is read, so that a wrong path (a disk image, /dev/zero) is an error and no more.
const maxFile = 256 << 10

// Load reads and checks the configuration file at path. With path "" it reads [DefaultPath], where a
// missing file means the defaults; a named file must exist. A key that the file leaves out keeps its
// default.
//
// An error is one line and names the file and, where the cause is in the file, its line. A missing
// file wraps fs.ErrNotExist.
func Load(path string) (Config, error) {
	h := thisHost()
	named := path != ""
	if !named {
		path = h.configFile()
	}
	text, err := readFile(path)
	if !named && errors.Is(err, fs.ErrNotExist) {
		c := defaultFor(h)
		return c, c.Check()
	}
	if err != nil {
		return Config{}, fmt.Errorf("configuration: %w", err)
	}
	return decode(path, text, defaultFor(h))
}

func readFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return "", err
	}
	if len(b) > maxFile {
		return "", fmt.Errorf("%s: is larger than %d KiB", path, maxFile>>10)
	}
	return string(b), nil
}

// decode lays the document text over the defaults in c.
func decode(file, text string, c Config) (Config, error) {
	doc, err := parseDocument(text)
	if err != nil {
		return Config{}, inFile(file, nil, err)
	}
	if err := doc.checkKeys(); err != nil {
		return Config{}, inFile(file, doc, err)
	}
	if _, err := toml.Decode(text, &c); err != nil {
		return Config{}, inFile(file, doc, err)
	}
	if err := c.Check(); err != nil {
		return Config{}, inFile(file, doc, err)
	}
	return c, nil
}

// inFile adds file and line to an error of this package or of the TOML library. doc is nil if the
// document could not be parsed.
func inFile(file string, doc *document, err error) error {
	var parse toml.ParseError
	if errors.As(err, &parse) {
		p := &problem{file: file, line: parse.Position.Line, reason: parse.Message}
		if doc != nil && parse.LastKey != "" {
			p.key = strings.Split(parse.LastKey, ".") // a known key by now: nothing is quoted
		}
		return p
	}
	var p *problem
	if errors.As(err, &p) {
		p.file = file
		if doc != nil {
			p.line = doc.line(p.key)
		}
		return p
	}
	return fmt.Errorf("%s: %w", file, err)
}

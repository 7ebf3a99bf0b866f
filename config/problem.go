package config

import (
	"errors"
	"fmt"
	"strings"

	"github.com/BurntSushi/toml"
)

// problem is one thing wrong with a configuration. Its text is one line: file, line and key where
// they are known, and what is wrong.
type problem struct {
	file   string
	line   int // 1 is the first; 0: not known
	key    toml.Key
	reason string
	// unknown says that the key is none of casview's.
	unknown bool
}

// ErrUnknownKey is what Load's error wraps where a key is none of casview's: it may be another one, misspelled.
var ErrUnknownKey = errors.New("unknown key")

func (p *problem) Is(target error) bool { return target == ErrUnknownKey && p.unknown }

var _ error = (*problem)(nil)

func (p *problem) Error() string {
	var b strings.Builder
	if p.file != "" {
		b.WriteString(p.file)
		if p.line > 0 {
			fmt.Fprintf(&b, ":%d", p.line)
		}
		b.WriteString(": ")
	}
	if len(p.key) > 0 {
		b.WriteString(p.key.String() + ": ")
	}
	b.WriteString(oneLine.Replace(p.reason))
	return b.String()
}

// The TOML library quotes control characters in most of its messages, not in all.
var oneLine = strings.NewReplacer("\n", `\n`, "\r", `\r`)

package config

import (
	"encoding"
	"errors"
	"fmt"
	"strings"
	"time"
)

var (
	_ encoding.TextMarshaler   = Duration{}
	_ encoding.TextUnmarshaler = (*Duration)(nil)
)

// Duration is a time.Duration that a TOML file holds as a string with its unit, such as "90s" or "5m".
type Duration struct{ time.Duration }

// UnmarshalText accepts what time.ParseDuration accepts.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q is not a duration such as \"90s\" or \"5m\"", text)
	}
	d.Duration = v
	return nil
}

// MarshalText writes the shortest form: "5m" where time.Duration's own String says "5m0s".
func (d Duration) MarshalText() ([]byte, error) {
	if d.Duration < 0 {
		return nil, errors.New("a duration must not be negative")
	}
	s := d.Duration.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return []byte(s), nil
}

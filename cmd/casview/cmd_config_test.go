package main

import (
	"strings"
	"testing"

	"github.com/casview/casview/config"
)

func TestConfig(t *testing.T) {
	s := newSite(t)
	if got := s.ok("config", "default"); got != config.DefaultTOML() {
		t.Error("config default is not the documented file")
	}
	if got := s.ok("config", "check"); got != "" {
		t.Errorf("config check: %q", got)
	}
	dump := s.ok("config", "dump")
	if !strings.Contains(dump, s.state) {
		t.Errorf("config dump does not show the state in force:\n%s", dump)
	}
	write(t, s.config, dump)
	if again := s.ok("config", "dump"); again != dump {
		t.Errorf("a dump does not load as itself:\n%s", again)
	}
}

package main

import (
	"encoding/json"
	"testing"

	"github.com/casview/casview/cmd/internal/version"
)

func TestVersion(t *testing.T) {
	s := newSite(t)
	for _, args := range [][]string{{"version"}, {"--version"}} {
		if got := s.ok(args...); got != version.String()+"\n" {
			t.Errorf("%q: got %q", args, got)
		}
	}
	var v struct{ Version, Go, Platform string }
	if err := json.Unmarshal([]byte(s.ok("version", "--json")), &v); err != nil {
		t.Fatal(err)
	}
	if v.Version != version.String() || v.Go == "" || v.Platform == "" {
		t.Errorf("got %+v", v)
	}
}

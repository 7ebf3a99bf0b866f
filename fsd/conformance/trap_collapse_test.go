package conformance

import (
	"bytes"
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

func TestTrapCollapseRange(t *testing.T) {
	onEachPlace(t, nil, func(t *testing.T, p *place) {
		f, err := os.Create(p.path("file"))
		must(t, err)
		defer f.Close()
		_, err = f.Write(bytes.Repeat([]byte{'x'}, 3*4096))
		must(t, err)
		err = unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_COLLAPSE_RANGE, 4096, 4096)
		if p.driver == host && errors.Is(err, unix.EOPNOTSUPP) {
			t.Skip("the host's filesystem can't collapse ranges")
		}
		if err != nil && !errors.Is(err, unix.EOPNOTSUPP) {
			t.Fatal(err)
		}
		p.differs(t, noCollapse, err == nil)
	})
}

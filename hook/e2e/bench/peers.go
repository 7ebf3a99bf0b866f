package main

import (
	"fmt"
	"strings"
)

// copied compares all steps of a row on a copy of the inputs, with making and removing it, with native's.
func copied(r row) measure {
	return measure{step: allWithCopy, base: allSteps, what: "all of row " + r.name + ", with cp -r before and rm -r after"}
}

// peersText is a second table for what others use; "" where that was not measured.
func (r *report) peersText() string {
	if len(r.Peers) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n%3s  %-62s %-26s %-22s %s\n", "row", "what", "native", "fuse-overlayfs", "bind mount of a copy")
	for _, lines := range [][]reportRow{r.Rows, r.Peers} {
		for _, l := range lines {
			if l.bind == nil {
				continue
			}
			format := l.measure.format()
			other := "-"
			if l.fuseOverlayfs != nil {
				other = l.fuseOverlayfs.format(format)
			}
			native := l.Native.format(l.measure.unit.format)
			fmt.Fprintf(&b, "%3d  %-62s %-26s %-22s %s\n", l.Row, l.What, native, other, l.bind.format(format))
		}
	}
	return b.String()
}

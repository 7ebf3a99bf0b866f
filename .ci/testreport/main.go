// Testreport reads the events of `go test -json` on stdin and prints what people want to see: one
// line for each package, the whole output of what failed, and at the end the skipped tests with
// their reasons and the counts. It exits 1 if anything failed.
package main

import (
	"bufio"
	"fmt"
	"os"
)

func main() {
	r := newReport(os.Stdout)
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 16<<20)
	for in.Scan() {
		r.line(in.Bytes())
	}
	if err := in.Err(); err != nil {
		fmt.Fprintf(os.Stderr, "testreport: read events: %v\n", err)
		os.Exit(1)
	}
	if !r.finish() {
		os.Exit(1)
	}
}

package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// row is a group of figures that are measured together.
type row struct {
	number int
	name   string
	// columns take turns. The first one is what the others are compared with, where there is something to compare.
	columns []column
	// peers says that the columns of others make sense here.
	peers bool
	// times is how many rounds there are for each that was asked for; 0 is 1. More where a round takes next to no time.
	times int
	// warm says that a round which does not count comes before all others.
	warm     bool
	measures []measure
	// prepare makes what all rounds need.
	prepare func(ctx context.Context, b *bench) (trial, error)
}

// trial does what is measured once, in one column, and checks that it was done. Rounds are numbered from 0.
type trial func(ctx context.Context, c column, round int) (values, error)

// values are what one trial measured, by the names of steps: seconds, bytes or a ratio.
type values map[string]float64

// measure is one line of the table.
type measure struct {
	step  string // of the values
	base  string // the first column's step, where it is another
	what  string
	kind  kind
	unit  unit
	limit limits
	// number is the table's, where it is not the row's.
	number int
	// fuse is the column that stands under "fuse", alone in its line, where it is not that one.
	fuse column
}

func (m measure) row(r row) int { return cmp.Or(m.number, r.number) }

// kind says what a figure is made of.
type kind int

const (
	ratio      kind = iota // a column's value divided by the first column's
	difference             // a column's value less the first column's
	absolute               // a column's value
)

// unit says how a value is printed.
type unit int

const (
	seconds unit = iota
	bytes
	plain
)

// limits are what a figure may be at the most, by column. A column without one is shown all the same.
type limits map[string]float64

// upTo are limits for the two drivers.
func upTo(forOverlay, forFuse float64) limits {
	return limits{overlay.name: forOverlay, fuse.name: forFuse}
}

// casviewAlone is the column of rows in which no driver has a part.
func casviewAlone(limit float64) limits { return limits{overlay.name: limit} }

// rows are all of them, in the order of the table.
func rows() []row {
	return []row{
		goBuildRow(), cBuildRow(), readRow(), findRow(), largeRow(), filesRow(), treeRow(), writeRow(),
		hookRow(), runRow(), collectRow(), ingestRow(), materializeRow(), memoryRow(), manifestRow(),
	}
}

// rowSet are numbers of rows; none means all.
type rowSet []int

// Set implements flag.Value.
func (s *rowSet) Set(text string) error {
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == ' ' }) {
		n, err := strconv.Atoi(part)
		if err != nil || !slices.ContainsFunc(rows(), func(r row) bool { return r.has(n) }) {
			return fmt.Errorf("there is no row %q", part)
		}
		*s = append(*s, n)
	}
	return nil
}

// String implements flag.Value.
func (s *rowSet) String() string { return strings.Trim(fmt.Sprint(*s), "[]") }

// chosen are the rows of which a number was asked for.
func (s rowSet) chosen() []row {
	return slices.DeleteFunc(rows(), func(r row) bool { return len(s) > 0 && !slices.ContainsFunc(s, r.has) })
}

// has says whether the row shows a number of the table: the one for reading shows two.
func (r row) has(number int) bool {
	return r.number == number || slices.ContainsFunc(r.measures, func(m measure) bool { return m.row(r) == number })
}

package merged

import "testing"

func TestLookups(t *testing.T) {
	l := lookups{}
	want := func(id, told uint64, pages int) {
		t.Helper()
		if got := l.of(id); got != told {
			t.Errorf("input %d was told %d times, expected %d", id, got, told)
		}
		if len(l) != pages {
			t.Errorf("%d pages, expected %d", len(l), pages)
		}
	}
	const first, second = lookupsOfPage - 1, lookupsOfPage // neighbours on two pages
	want(first, 0, 0)
	l.add(first)
	l.add(first)
	l.add(second)
	want(first, 2, 2)
	want(second, 1, 2)
	l.forget(first, 1)
	want(first, 1, 2)
	l.forget(first, 5) // more than it was told
	want(first, 0, 1)
	l.forget(first, 1)
	l.forget(second+1, 1) // on a page that is there
	want(second, 1, 1)
	l.add(second)
	if told := l.take(second); told != 2 {
		t.Errorf("took %d", told)
	}
	want(second, 0, 0)
}

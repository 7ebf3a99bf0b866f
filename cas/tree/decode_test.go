package tree

import (
	"reflect"
	"testing"

	"github.com/casview/casview/cas"
)

func TestDecodeRoundTrip(t *testing.T) {
	for name, want := range sampleDirectories() {
		t.Run(name, func(t *testing.T) {
			got, err := Decode(want.Encode(), cas.SHA256)
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Entries) == 0 {
				got.Entries = nil
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v\nwant %+v", got, want)
			}
			for i, e := range want.Entries {
				if j, ok := got.Find(e.Name); !ok || j != i {
					t.Errorf("Find(%q) = %d, %v; want %d", e.Name, j, ok, i)
				}
			}
		})
	}
}

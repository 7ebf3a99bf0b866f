package spec

import (
	"strings"
	"testing"
)

func TestMembers(t *testing.T) {
	cases := []struct {
		name, text, value, put, dropped string
		err                             string
	}{
		{"an empty object", `{}`, "", `{"a":{"b":1}}`, `{}`, ""},
		{"beside others", `{"z":1e400,"a":{"x":"<&>"}}`, "", `{"z":1e400,"a":{"x":"<&>","b":1}}`, `{"z":1e400,"a":{"x":"<&>"}}`, ""},
		{"in its place", `{"a":{"b":{"old":[]},"c":2}}`, `{"old":[]}`, `{"a":{"b":1,"c":2}}`, `{"a":{"c":2}}`, ""},
		{"null on the way", `{"a":null}`, "", `{"a":{"b":1}}`, `{}`, ""},
		{"a list on the way", `{"a":[]}`, "", "", "", "a: is not a JSON object"},
		{"a list", `[]`, "", "", "", "is not a JSON object"},
		{"no JSON", `{`, "", "", "", "unexpected end"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			value, err := Member([]byte(c.text), "a", "b")
			if string(value) != c.value || (err != nil) != (c.err != "") {
				t.Errorf("value %s, %v", value, err)
			}
			put, err := PutMember([]byte(c.text), 1, "a", "b")
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("error %v, want %q", err, c.err)
				}
				return
			}
			if err != nil || string(put) != c.put {
				t.Errorf("put: %s, %v", put, err)
			}
			if dropped, err := DropMember(put, "a", "b"); err != nil || string(dropped) != c.dropped {
				t.Errorf("dropped: %s, %v", dropped, err)
			}
		})
	}
	if !SameJSON([]byte(`{"a": [1, 2]}`), []byte("{\"a\":[1,2]}\n")) || SameJSON([]byte(`1`), []byte(`2`)) || SameJSON(nil, []byte(`1`)) {
		t.Error("SameJSON")
	}
}

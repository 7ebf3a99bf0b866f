package wrapper

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/casview/casview/hook/spec"
)

func TestMayAsk(t *testing.T) {
	cases := []struct {
		name, text string
		want       bool
	}{
		{"annotation", `{"annotations":{"io.casview.inputs":"x"}}`, true},
		{"variable", `{"process":{"env":["CASVIEW_INPUTS=x"]}}`, true},
		{"a letter as an escape", `{"annotations":{"io\u002ecasview.inputs":"x"}}`, true},
		{"another letter, after other escapes", `{"a":"\u003c\u00","annotations":{"\u0069o.casvie\u0077.inputs":"x"}}`, true},
		{"an underscore", `{"process":{"env":["CASVIEW\u005FINPUTS=x"]}}`, true},
		{"what Go's encoder escapes", `{"process":{"args":["a \u003c b \u0026\u0026 c \u003e d \u2028 \u0000"]}}`, false},
		{"cut", `{"a":"\u00`, false},
		{"nothing", `{"annotations":{"io.example":"x"}}`, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := mayAsk([]byte(c.text)); got != c.want {
				t.Errorf("got %t", got)
			}
		})
	}
}

// Whatever parses as a wish is seen by mayAsk, however it is written.
func FuzzMayAsk(f *testing.F) {
	f.Add(`{"annotations":{"io.casview.inputs":"x"}}`)
	f.Add(`{"Annotations":{"io\u002ecasview\u002einputs":"x"},"process":{"env":["CASVIEW\u005fINPUTS=x"]}}`)
	f.Fuzz(func(t *testing.T, text string) {
		c, err := spec.ParseConfig([]byte(text))
		if err != nil {
			return
		}
		w, err := readWish(c, true)
		if err == nil && !w.empty() && !mayAsk([]byte(text)) {
			t.Errorf("%+v is not seen in %s", w, text)
		}
	})
}

// The check costs little beside a container's start, also for a large configuration.
func BenchmarkMayAsk(b *testing.B) {
	env := strings.Repeat("NAME=some value that stands for an environment; ", 20_000)
	text, err := json.Marshal(map[string]any{"process": map[string]any{"env": []string{env}}})
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if mayAsk(text) {
			b.Fatal("asks")
		}
	}
}

package digest_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/casview/casview/cas"
	"github.com/casview/casview/cas/digest"
)

const (
	emptySHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	emptyBLAKE3 = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"
)

func TestParse(t *testing.T) {
	tests := map[string]struct {
		in   string
		want string // "" for an error
		err  string
	}{
		"sha256":           {in: "sha256:" + emptySHA256, want: "sha256:" + emptySHA256},
		"bare":             {in: emptySHA256, want: "sha256:" + emptySHA256},
		"blake3":           {in: "blake3:" + emptyBLAKE3, want: "blake3:" + emptyBLAKE3},
		"empty":            {in: "", err: "0 hex digits"},
		"no digits":        {in: "sha256:", err: "0 hex digits"},
		"short":            {in: "sha256:" + emptySHA256[1:], err: "63 hex digits"},
		"long":             {in: "sha256:" + emptySHA256 + "0", err: "65 hex digits"},
		"upper case":       {in: "sha256:" + strings.ToUpper(emptySHA256), err: "upper-case"},
		"upper algorithm":  {in: "SHA256:" + emptySHA256, err: "want sha256 or blake3"},
		"not hex":          {in: "sha256:g" + emptySHA256[1:], err: "not hex"},
		"md5":              {in: "md5:d41d8cd98f00b204e9800998ecf8427e", err: `algorithm "md5"`},
		"no algorithm":     {in: ":" + emptySHA256, err: `algorithm ""`},
		"algorithm none":   {in: "none:" + emptySHA256, err: `algorithm "none"`},
		"size not allowed": {in: "sha256:" + emptySHA256 + "/0", err: "66 hex digits"},
		"space":            {in: " sha256:" + emptySHA256, err: "want sha256"},
		"newline":          {in: "sha256:" + emptySHA256 + "\n", err: "65 hex digits"},
		"very long":        {in: strings.Repeat("x", 1<<20), err: "..."},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d, err := digest.Parse(tt.in)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) || len(err.Error()) > 300 {
					t.Fatalf("Parse = %v, %v; want a short error with %q", d, err, tt.err)
				}
				if !d.IsZero() {
					t.Errorf("digest %v beside an error", d)
				}
				return
			}
			if err != nil || d.String() != tt.want {
				t.Fatalf("Parse = %v, %v; want %s", d, err, tt.want)
			}
		})
	}
}

func TestParseSize(t *testing.T) {
	tests := map[string]struct {
		suffix string
		size   int64
		bad    bool
	}{
		"absent":       {suffix: "", size: -1},
		"zero":         {suffix: "/0", size: 0},
		"largest":      {suffix: "/9223372036854775807", size: 1<<63 - 1},
		"too large":    {suffix: "/9223372036854775808", bad: true},
		"empty":        {suffix: "/", bad: true},
		"negative":     {suffix: "/-1", bad: true},
		"plus":         {suffix: "/+1", bad: true},
		"leading zero": {suffix: "/01", bad: true},
		"hex":          {suffix: "/0x10", bad: true},
		"two":          {suffix: "/1/2", bad: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d, size, err := digest.ParseSize("sha256:" + emptySHA256 + tt.suffix)
			if tt.bad {
				if err == nil {
					t.Fatalf("no error, size %d", size)
				}
				return
			}
			if err != nil || size != tt.size || d != cas.Sum(digest.SHA256, nil) {
				t.Fatalf("ParseSize = %v, %d, %v; want size %d", d, size, err, tt.size)
			}
		})
	}
}

func TestDigestText(t *testing.T) {
	type doc struct{ D, Z digest.Digest }
	in := doc{D: cas.Sum(digest.BLAKE3, []byte("x"))}
	b, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var out doc
	if err := json.Unmarshal(b, &out); err != nil || out != in {
		t.Fatalf("round trip of %s: %v, %v", b, out, err)
	}
	if err := json.Unmarshal([]byte(`{"D":"sha256:00"}`), &out); err == nil {
		t.Error("a bad digest was decoded")
	}
}

func TestDigestOfHash(t *testing.T) {
	for _, a := range []digest.Algorithm{digest.SHA256, digest.BLAKE3} {
		h := cas.NewHash(a)
		h.Write([]byte("abc"))
		d, err := digest.New(a, h.Sum(nil))
		if err != nil || d != cas.Sum(a, []byte("abc")) {
			t.Errorf("%s: %v, %v", a, d, err)
		}
		if _, err := digest.New(a, make([]byte, 20)); err == nil {
			t.Errorf("%s: a digest of 20 bytes", a)
		}
	}
	if _, err := digest.New(0, make([]byte, 32)); err == nil {
		t.Error("a digest without algorithm")
	}
	if cas.Sum(digest.SHA256, nil).Hex() != emptySHA256 || cas.Sum(digest.BLAKE3, nil).Hex() != emptyBLAKE3 {
		t.Error("digest of nothing is not the published one")
	}
	small, big := cas.Sum(digest.SHA256, []byte("1")), cas.Sum(digest.SHA256, []byte("2")) // 6b86..., d473...
	if small.Compare(big) >= 0 || big.Compare(small) <= 0 || small.Compare(small) != 0 || cas.Sum(digest.BLAKE3, nil).Compare(big) <= 0 {
		t.Error("Compare does not order by algorithm, then hash")
	}
}

// Whatever parses has exactly one spelling, apart from the bare form.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		emptySHA256, "sha256:" + emptySHA256, "blake3:" + emptyBLAKE3, "sha256:" + emptySHA256 + "/12", "sha256:", "/", ":", "",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if d, err := digest.Parse(s); err == nil && d.String() != s && d.Hex() != s {
			t.Errorf("%q parses as %s", s, d)
		}
		d, size, err := digest.ParseSize(s)
		if err != nil {
			return
		}
		again, sizeAgain, err := digest.ParseSize(d.String() + s[min(len(s), indexSlash(s)):])
		if err != nil || again != d || sizeAgain != size {
			t.Errorf("%q parses as %s/%d, and that as %s/%d: %v", s, d, size, again, sizeAgain, err)
		}
	})
}

func indexSlash(s string) int {
	if i := strings.IndexByte(s, '/'); i >= 0 {
		return i
	}
	return len(s)
}

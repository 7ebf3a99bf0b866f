package posix

import "strings"

// OddNames are file names that the tests make in names/, and that must arrive in the result byte for byte.
func OddNames() []string {
	return []string{
		"new\nline", `quo"te'`, `back\slash`, "tab\t", " blanks ", "-dash", "ünï", "\xff\xfe not UTF-8", "a\xc3", "\ufffd", "\uef80",
		"[glob]*?{a,b}", "%s%n", "<&>", strings.Repeat("n", 255), "\x01\x7f",
	}
}

// DeepPath is a path of 4,000 bytes below names/, in parts of at most 255.
func DeepPath() string {
	const size = 4000
	var b strings.Builder
	for b.Len() < size-251 {
		b.WriteString(strings.Repeat("d", 249) + "/")
	}
	b.WriteString(strings.Repeat("f", size-b.Len()))
	return b.String()
}

// SQLiteRows is how many rows each of the three writers puts into sqlite/db.sqlite.
const SQLiteRows = 40

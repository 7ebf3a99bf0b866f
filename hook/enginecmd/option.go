package enginecmd

import (
	"strconv"
	"strings"
)

// option is one option of `run` as the caller wrote it.
type option struct {
	name  string // the long one, without dashes
	value string
	given bool // it has a value; a switch has one only after =
	// from and to are its words in the command line. Switches may share a word with others: then none is alone.
	from, to int
	alone    bool
}

// on tells whether a switch is on. A value that the engine will refuse counts as on.
func (o option) on() bool {
	on, err := strconv.ParseBool(o.value)
	return !o.given || on || err != nil
}

// read reads the options of `run` from an index on. They end before the image.
func (r runOptions) read(argv []string, from int) []option {
	var all []option
	for at := from; at < len(argv) && len(argv[at]) > 1 && argv[at][0] == '-' && argv[at] != "--"; {
		var found []option
		if r.oneDash || strings.HasPrefix(argv[at], "--") {
			found = r.long(argv, at)
		} else {
			found = r.cluster(argv, at)
		}
		all = append(all, found...)
		at = found[len(found)-1].to
	}
	return all
}

// long reads one option that has a word of its own.
func (r runOptions) long(argv []string, at int) []option {
	name, value, given := strings.Cut(strings.TrimPrefix(argv[at][1:], "-"), "=")
	if long, ok := r.named(name); ok && r.oneDash {
		name = long
	}
	o := option{name: name, value: value, given: given, from: at, to: at + 1, alone: true}
	if !r.isSwitch(name) {
		o = o.withNextWord(argv)
	}
	return []option{o}
}

// cluster reads letters behind one dash: switches, and at the end perhaps an option with a value.
func (r runOptions) cluster(argv []string, at int) []option {
	var all []option
	letters := argv[at][1:]
	for i := range letters {
		name, ok := r.named(letters[i : i+1])
		if !ok {
			name = letters[i : i+1]
		}
		rest := letters[i+1:]
		o := option{name: name, from: at, to: at + 1, alone: len(letters) == 1}
		if r.isSwitch(name) && !strings.HasPrefix(rest, "=") {
			all = append(all, o)
			continue
		}
		o.value, o.given = strings.TrimPrefix(rest, "="), rest != ""
		if !r.isSwitch(name) {
			o = o.withNextWord(argv)
		}
		return append(all, o)
	}
	return all
}

// withNextWord takes the next word as the value, if there is none yet.
func (o option) withNextWord(argv []string) option {
	if !o.given && o.to < len(argv) {
		o.value, o.given = argv[o.to], true
		o.to++
	}
	return o
}

func (r runOptions) isSwitch(name string) bool {
	for _, s := range r.switches {
		if long, _, _ := strings.Cut(s, ","); long == name {
			return true
		}
	}
	return false
}

// named is the long name of a letter.
func (r runOptions) named(letter string) (string, bool) {
	for _, names := range [][]string{r.switches, r.lettered} {
		for _, s := range names {
			if long, short, ok := strings.Cut(s, ","); ok && short == letter {
				return long, true
			}
		}
	}
	return "", false
}

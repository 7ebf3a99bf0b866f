package conformance

import (
	"slices"
	"strings"
)

// How the generator chooses paths.

func (g *generator) dir() string {
	if g.oneIn(3) && slices.Contains(g.there.dirs, g.home) {
		return g.home
	}
	return pick(g, g.there.dirs...)
}

// children are the names in a directory that are no directories.
func (g *generator) children(dir string) []string {
	all := slices.Concat(g.there.files, g.there.links, g.there.others)
	return slices.DeleteFunc(all, func(path string) bool { return parent("/"+path) != strings.TrimSuffix("/"+dir, "/") })
}

// emptyDir is one, if there is one, but not the sequence's own directory: it would go.
func (g *generator) emptyDir() string {
	all := slices.Concat(g.there.files, g.there.dirs, g.there.links, g.there.others)
	empty := slices.DeleteFunc(slices.Clone(g.there.dirs[1:]), func(dir string) bool {
		return slices.ContainsFunc(all, func(path string) bool { return strings.HasPrefix(path, dir+"/") })
	})
	return g.among(empty)
}

func (g *generator) file() string {
	switch g.IntN(6) {
	case 0, 1:
		if path := g.among(g.recent); slices.Contains(g.there.files, path) || g.oneIn(4) {
			return path
		}
	case 2:
		if f := g.world.files[g.openFile()]; f != nil {
			return f.path
		}
	}
	return g.among(g.there.files)
}

func (g *generator) link() string { return g.among(g.there.links) }

// among picks one, or where there is none any path.
func (g *generator) among(paths []string) string {
	if len(paths) == 0 {
		return g.fresh()
	}
	return pick(g, paths...)
}

// any is mostly an existing path, and mostly a file's, but not the sequence's own directory.
func (g *generator) any() string {
	switch g.IntN(10) {
	case 0, 1:
		return g.among(g.there.dirs[1:])
	case 2:
		return g.link()
	case 3:
		return g.among(g.there.others)
	default:
		return g.file()
	}
}

// fresh is a path that most likely is not there, in a directory that is.
func (g *generator) fresh() string {
	dir := g.dir()
	for strings.Count(dir, "/") > 6 {
		dir = g.dir()
	}
	return below(dir, g.name())
}

func (g *generator) name() string {
	switch g.IntN(20) {
	case 0:
		return longName()
	case 1:
		return "bad\xff\xfe"
	case 2:
		return "sp ace\n"
	case 3:
		return strings.Repeat("é", 127)
	case 4:
		return longName() + "n" // ENAMETOOLONG
	default:
		return "new" + string('0'+rune(g.IntN(8)))
	}
}

// odd is a path that few programs use.
func (g *generator) odd() string {
	switch g.IntN(7) {
	case 0:
		return g.any() + "/"
	case 1:
		return g.dir() + "/."
	case 2:
		return g.file() + "/below"
	case 3:
		return g.dir() + "//" + g.name()
	case 4:
		return g.fresh() + "/"
	case 5:
		return g.link() + "/" + g.name()
	default:
		return g.fresh() + "/below"
	}
}

// target is a path for what is made, mostly a new one.
func (g *generator) target() string {
	switch g.IntN(12) {
	case 0, 1:
		return g.any()
	case 2:
		return g.odd()
	default:
		return g.fresh()
	}
}

// source is a path for what is there already, mostly.
func (g *generator) source() string {
	switch g.IntN(14) {
	case 0:
		return g.fresh()
	case 1:
		return g.odd()
	default:
		return g.any()
	}
}

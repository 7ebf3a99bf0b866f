package conformance

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// longName is as long as a name can be.
func longName() string { return strings.Repeat("n", 255) }

// modelInputs are what each sequence of the model test starts with.
func modelInputs() inputs {
	in := inputs{
		"":                  {dir: true, mode: 0o750, mtime: unix.Timespec{Sec: 2, Nsec: 3}},
		"d1":                {dir: true, mtime: unix.Timespec{Sec: inputTime, Nsec: 999_999_999}},
		"d1/d2":             {dir: true, mode: 0o700},
		"d1/d2/d3":          {dir: true},
		"d1/d2/empty":       {dir: true, mode: 0o711},
		"none":              {dir: true},
		"sticky":            {dir: true, mode: 0o1777},
		"setgid":            {dir: true, mode: 0o2775},
		"setgid/sub":        {dir: true, mode: 0o2750},
		"to-file":           {symlink: "f4096"},
		"to-dir":            {symlink: "d1/d2"},
		"dangling":          {symlink: "new0"},
		"loop":              {symlink: "loop"},
		"d1/up":             {symlink: "../f1"},
		"d1/bad\xff":        {symlink: "d2/bad\xfe\xff"},
		"d1/d2/bad\xfe\xff": {content: "no UTF-8", mtime: unix.Timespec{Sec: -5, Nsec: 1}},
		longName():          {content: "long", mode: 0o600},
	}
	for path, size := range map[string]int{
		"f0": 0, "f1": 1, "f4095": 4095, "f4096": 4096, "f4097": 4097, "d1/f8192": 8192, "d1/f12289": 12289, "d1/f0": 0,
		"d1/d2/f65537": 65537, "d1/d2/d3/f131079": 131079, "d1/d2/d3/f10": 10, "sticky/f100": 100, "setgid/f5000": 5000,
		"setgid/sub/f1": 1,
	} {
		in[path] = input{content: string(fill(size, byte(len(path)))), mtime: unix.Timespec{Sec: inputTime, Nsec: int64(size)}}
	}
	for path, mode := range map[string]uint32{"f1": 0o444, "f4097": 0o4755, "d1/f8192": 0o2711, "d1/f0": 0o777, "setgid/f5000": 0o2640} {
		one := in[path]
		one.mode = mode
		in[path] = one
	}
	for i := range 14 {
		in[fmt.Sprintf("many/%02d", i)] = input{content: fmt.Sprint(i)}
	}
	return in
}

// sequenceDir is where sequence i has its inputs in the view. It is one directory further down than it need be, so that a
// ".." that leaves it does not get into another's.
func sequenceDir(i int) string { return fmt.Sprintf("s%05d/t", i) }

// modelView are the inputs of n sequences.
func modelView(n int) inputs {
	one, all := modelInputs(), inputs{}
	for i := range n {
		for path, in := range one {
			all[strings.TrimSuffix(sequenceDir(i)+"/"+path, "/")] = in
		}
	}
	return all
}

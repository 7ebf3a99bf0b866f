package doctor

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/BurntSushi/toml"
)

// containerd asks for the configuration that comes of all its files: containerd config dump merges them itself. Only
// pods need a runtime handler.
func (d *doctor) containerd(ctx context.Context, l *list, e present) installation {
	if !exists("/etc/containerd/config.toml") {
		return withoutHandler(l) // containerd has its defaults then, but dumps none
	}
	out, err := ask(ctx, e.path, "config", "dump")
	if err != nil {
		l.skip(RuntimeProgram, "its configuration can't be read: "+err.Error())
		return unknown
	}
	paths, err := containerdRuntimes(out)
	if err != nil {
		l.skip(RuntimeProgram, "containerd config dump: "+err.Error())
		return unknown
	}
	for _, name := range slices.Sorted(maps.Keys(paths)) {
		d.runtimeRuns(ctx, l, wrapped{engine: "containerd", named: "the runtime handler " + name, path: paths[name]})
	}
	if len(paths) == 0 {
		return withoutHandler(l)
	}
	return installed
}

func withoutHandler(l *list) installation {
	l.ok(EngineSetup,
		"no runtime handler of casview's for pods; ctr, nerdctl and Go clients name casview in each command")
	return needless
}

// containerdRuntimes are the handlers of the CRI plugin (of whichever version of the format) that lead to casview-runtime.
func containerdRuntimes(dump string) (map[string]string, error) {
	// Only the CRI plugin's table is decoded: others may have what they like in theirs.
	var raw struct {
		Plugins map[string]toml.Primitive `toml:"plugins"`
	}
	meta, err := toml.Decode(dump, &raw)
	if err != nil {
		return nil, errors.New(firstLine(err.Error()))
	}
	paths := map[string]string{}
	for _, plugin := range []string{"io.containerd.cri.v1.runtime", "io.containerd.grpc.v1.cri", "cri"} {
		primitive, there := raw.Plugins[plugin]
		if !there {
			continue
		}
		var p struct {
			Containerd struct {
				Runtimes map[string]struct {
					Options map[string]any `toml:"options"`
				} `toml:"runtimes"`
			} `toml:"containerd"`
		}
		if err := meta.PrimitiveDecode(primitive, &p); err != nil {
			return nil, errors.New(firstLine(err.Error()))
		}
		for name, r := range p.Containerd.Runtimes {
			if path, ok := r.Options["BinaryName"].(string); ok && isOurRuntime(path) {
				paths[name] = path
			}
		}
	}
	return paths, nil
}

package state

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// environment names the variables that may stand for annotations where policy.accept_env allows it.
func environment() map[string]string {
	return map[string]string{
		"CASVIEW_INPUTS":  Inputs,
		"CASVIEW_TARGET":  Target,
		"CASVIEW_RUN":     Run,
		"CASVIEW_OUTPUTS": Outputs,
	}
}

// Variable is the name of the variable that may stand for an annotation.
func Variable(key string) (name string, ok bool) {
	for name, stands := range environment() {
		if stands == key {
			return name, true
		}
	}
	return "", false
}

// KeyOfVariable is the annotation that a variable may stand for.
func KeyOfVariable(name string) (key string, ok bool) {
	key, ok = environment()[name]
	return key, ok
}

// Mine is the part of annotations that is casview's.
func Mine(annotations map[string]string) map[string]string {
	out := maps.Clone(annotations)
	maps.DeleteFunc(out, func(key, _ string) bool { return !strings.HasPrefix(key, Prefix) })
	return out
}

// MergeAnnotations joins casview's annotations of the state and of config.json. A runtime that leaves them out of the state
// has them in config.json. Both say the same on every runtime seen, so two values for one key are an error: one of the two
// is not this container's.
func MergeAnnotations(s State, c Config) (map[string]string, error) {
	out := Mine(c.Annotations)
	if out == nil {
		out = map[string]string{}
	}
	mine := Mine(s.Annotations)
	for _, key := range slices.Sorted(maps.Keys(mine)) {
		if other, ok := out[key]; ok && other != mine[key] {
			return nil, fmt.Errorf("annotation %s: is %.128q in the container's state and %.128q in %s/%s",
				clip(key), mine[key], other, c.bundle, configName)
		}
		out[key] = mine[key]
	}
	return out, nil
}

// FromEnvironment reads the CASVIEW_* variables of the container's process as annotations. The last of two variables with
// one name counts, as it does for the process.
func FromEnvironment(c Config) map[string]string { return FromVariables(c.Process.Env) }

// FromVariables is FromEnvironment of an environment alone.
func FromVariables(env []string) map[string]string {
	known, out := environment(), map[string]string{}
	for _, pair := range env {
		name, value, _ := strings.Cut(pair, "=")
		if key, ok := known[name]; ok {
			out[key] = value
		}
	}
	return out
}

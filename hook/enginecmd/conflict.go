package enginecmd

import (
	"fmt"
	"strings"

	"github.com/casview/casview/hook/state"
)

// ownAnnotations refuses casview's annotations among the options of `run`: engines take the last one of a key, which
// would not be the one that is added.
func (c Command) ownAnnotations() error {
	for _, o := range c.options {
		if o.name != "annotation" && "--"+o.name != c.engine.option {
			continue
		}
		// An engine that reads values as CSV takes quotes around them.
		key, _, _ := strings.Cut(strings.TrimPrefix(o.value, `"`), "=")
		if strings.HasPrefix(key, state.Prefix) {
			return fmt.Errorf("--%s %s: casview run sets this annotation itself: %s", o.name, key, instead(key))
		}
	}
	return nil
}

// ownVariables is the same for the variables that stand for annotations.
func (c Command) ownVariables() error {
	for _, o := range c.options {
		name, _, _ := strings.Cut(o.value, "=")
		if key, ok := state.KeyOfVariable(name); ok && o.name == "env" {
			return fmt.Errorf("--env %s: casview run sets this variable itself: %s", name, instead(key))
		}
	}
	return nil
}

// instead is what to write instead of the annotation.
func instead(key string) string {
	options := map[string]string{state.Inputs: "--inputs", state.Target: "--target", state.Run: "--run", state.Outputs: "--output"}
	if option, ok := options[key]; ok {
		return "give casview run the option " + option
	}
	return "leave it out"
}

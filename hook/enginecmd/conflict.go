package enginecmd

import (
	"fmt"
	"slices"
	"strings"

	"github.com/casview/casview/hook/state"
)

// ownAnnotations refuses casview's annotations among the options of `run`: engines take the last one of a key, which
// would not be the one that is added.
func (e engine) ownAnnotations(args []string) error {
	options := []string{"--annotation"}
	if e.option != "--annotation" {
		options = append(options, "-annotation", e.option, strings.TrimPrefix(e.option, "-"))
	}
	// afterOption: the word before is an option that may take this one as its value.
	for i, afterOption := 0, false; i < len(args); i++ {
		word := args[i]
		if !strings.HasPrefix(word, "-") {
			if !afterOption {
				return nil // the image; what follows is the job's
			}
			afterOption = false
			continue
		}
		if word == "--" {
			return nil
		}
		name, value, given := strings.Cut(word, "=")
		afterOption = !given && !slices.Contains(switches(), word)
		if !slices.Contains(options, name) {
			continue
		}
		if !given && i+1 < len(args) {
			i++
			value, afterOption = args[i], false
		}
		// An engine that reads values as CSV takes quotes around them.
		key, _, _ := strings.Cut(strings.TrimPrefix(value, `"`), "=")
		if strings.HasPrefix(key, state.Prefix) {
			return fmt.Errorf("%s %s: casview run sets this annotation itself: %s", name, key, instead(key))
		}
	}
	return nil
}

// switches are the usual options of `run` without a value, after which a word is the image. One that is missing here
// only means that an annotation among the first options of the job could be taken for the engine's.
func switches() []string {
	return []string{"--rm", "-d", "--detach", "-i", "--interactive", "-t", "--tty", "-it", "-ti", "--init", "--privileged",
		"--read-only"}
}

// instead is what to write instead of the annotation.
func instead(key string) string {
	options := map[string]string{state.Inputs: "--inputs", state.Target: "--target", state.Run: "--run", state.Outputs: "--output"}
	if option, ok := options[key]; ok {
		return "give casview run the option " + option
	}
	return "leave it out"
}

package doctor

import (
	"fmt"
	"testing"
)

func TestHost(t *testing.T)    { testSymptoms(t, hostSymptoms()) }
func TestState(t *testing.T)   { testSymptoms(t, stateSymptoms()) }
func TestEngines(t *testing.T) { testSymptoms(t, engineSymptoms()) }
func TestHooks(t *testing.T)   { testSymptoms(t, hookSymptoms()) }

// testSymptoms examines equal hosts once.
func testSymptoms(t *testing.T, all []symptom) {
	hosts := map[string]*examined{}
	for _, s := range all {
		if s.args == nil && s.id != EngineSetup && s.id != Engines {
			s.args = []string{"--engine", "podman"} // the others have nothing to do with it
		}
		host := fmt.Sprintf("%q", []any{s.host, s.config, s.user, s.without, s.args})
		if s.mends {
			host += string(s.id)
		}
		if hosts[host] == nil {
			hosts[host] = &examined{}
		}
		t.Run(string(s.id)+"/"+s.name, func(t *testing.T) {
			t.Parallel()
			s.test(t, hosts[host])
		})
	}
}

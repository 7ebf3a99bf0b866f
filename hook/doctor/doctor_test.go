package doctor

import "testing"

func TestHost(t *testing.T)    { testSymptoms(t, hostSymptoms()) }
func TestState(t *testing.T)   { testSymptoms(t, stateSymptoms()) }
func TestEngines(t *testing.T) { testSymptoms(t, engineSymptoms()) }
func TestHooks(t *testing.T)   { testSymptoms(t, hookSymptoms()) }

func testSymptoms(t *testing.T, all []symptom) {
	for _, s := range all {
		if s.args == nil && s.id != EngineSetup && s.id != Engines {
			s.args = []string{"--engine", "podman"} // the others have nothing to do with it
		}
		t.Run(string(s.id)+"/"+s.name, func(t *testing.T) {
			t.Parallel()
			s.test(t)
		})
	}
}

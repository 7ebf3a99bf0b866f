package inside

import (
	"slices"
	"time"
)

// Report is what tasks found out. Steps are in seconds; Notes are what the benchmark checks.
type Report struct {
	Steps map[string]float64 `json:"steps"`
	Notes map[string]string  `json:"notes,omitempty"`
}

// time takes the time of a step.
func (r *Report) time(step string, do func() error) error {
	start := time.Now()
	err := do()
	r.Steps[step] = time.Since(start).Seconds()
	return err
}

// again takes the median time of doing a step some times.
func (r *Report) again(step string, times int, do func() error) error {
	var all []float64
	for range times {
		start := time.Now()
		if err := do(); err != nil {
			return err
		}
		all = append(all, time.Since(start).Seconds())
	}
	if len(all) > 0 {
		r.Steps[step] = median(all)
	}
	return nil
}

func median(all []float64) float64 {
	s := slices.Sorted(slices.Values(all))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

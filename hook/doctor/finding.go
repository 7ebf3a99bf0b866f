package doctor

import (
	"cmp"
	"slices"
)

// Schema names the form of a Report in JSON.
const Schema = "casview.doctor/v1"

// Status says how bad a finding is.
type Status string

// The statuses, from good to bad. Skipped means that it could not be looked at, or that nothing here needs it; it never
// makes a report worse.
const (
	OK       Status = "ok"
	Skipped  Status = "skipped"
	Degraded Status = "degraded"
	Broken   Status = "broken"
)

func (s Status) badness() int { return slices.Index([]Status{OK, Skipped, Degraded, Broken}, s) }

// Finding is one thing that was looked at.
type Finding struct {
	ID ID `json:"id"`
	// Subject is the engine, runtime or unit that it is about; "" is the host.
	Subject string `json:"subject,omitempty"`
	Status  Status `json:"status"`
	// What was found, in one line. With Skipped it says why it was not looked at.
	What string `json:"what"`
	// Why it matters, and Mend, the command that mends it: only for what is not right.
	Why  string `json:"why,omitempty"`
	Mend string `json:"mend,omitempty"`
}

// Report is all that was found.
type Report struct {
	Schema  string `json:"schema"`
	Version string `json:"version"`
	// Mode is root's, or rootless for a user's engine.
	Mode   string `json:"mode"`
	Status Status `json:"status"`
	// Findings are in the order in which they were looked at.
	Findings []Finding `json:"findings"`
}

// worst is what a report comes to: ok, degraded or broken.
func worst(all []Finding) Status {
	status := OK
	for _, f := range all {
		if f.Status != Skipped && f.Status.badness() > status.badness() {
			status = f.Status
		}
	}
	return status
}

// ProblemsFirst returns the findings from the worst to the best, and within one status as they were found.
func (r Report) ProblemsFirst() []Finding {
	all := slices.Clone(r.Findings)
	slices.SortStableFunc(all, func(a, b Finding) int { return cmp.Compare(b.Status.badness(), a.Status.badness()) })
	return all
}

// Count tells how many findings have a status.
func (r Report) Count(s Status) int {
	n := 0
	for _, f := range r.Findings {
		if f.Status == s {
			n++
		}
	}
	return n
}

// list collects the findings of one subject.
type list struct {
	subject string
	all     []Finding
}

func (l *list) ok(id ID, what string) { l.add(Finding{ID: id, Status: OK, What: what}) }

func (l *list) skip(id ID, cause string) { l.add(Finding{ID: id, Status: Skipped, What: cause}) }

func (l *list) degraded(id ID, what, why, mend string) {
	l.add(Finding{ID: id, Status: Degraded, What: what, Why: why, Mend: mend})
}

func (l *list) broken(id ID, what, why, mend string) {
	l.add(Finding{ID: id, Status: Broken, What: what, Why: why, Mend: mend})
}

func (l *list) add(f Finding) {
	if f.Subject == "" {
		f.Subject = l.subject
	}
	l.all = append(l.all, f)
}

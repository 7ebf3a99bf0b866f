// Package result owns the result manifest: what a run wrote and read, as `result.json` (schema casview.result/v1). It is
// written by fsd's collection and read by the hook, the CLI and other people's programs.
package result

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/google/renameio/v2"

	"github.com/casview/casview/cas/digest"
)

// Schema names the format.
const Schema = "casview.result/v1"

// Status says how far a result can be trusted.
type Status string

// Complete holds exactly when Errors is empty. Partial: some outputs were lost or refused, or the run was disturbed.
// Failed: there are no outputs.
const (
	Complete Status = "complete"
	Partial  Status = "partial"
	Failed   Status = "failed"
)

// Skipped is something the job left that cannot be stored.
type Skipped struct {
	Path   Path   `json:"path"`
	Type   string `json:"type"`
	Reason string `json:"reason"`
}

// Stats are times in milliseconds, sizes in bytes, and FUSE requests by operation. With the fuse driver, StagingData says how
// the content of staged files was moved ("cached" or "passthrough"), StagingDataReason why, and FailedPassthrough how many
// opens could not be passed through.
type Stats struct {
	ReadyMS           float64           `json:"ready_ms"`
	CollectMS         float64           `json:"collect_ms"`
	BytesHashed       int64             `json:"bytes_hashed"`
	BytesCopied       int64             `json:"bytes_copied"`
	StagingData       string            `json:"staging_data,omitempty"`
	StagingDataReason string            `json:"staging_data_reason,omitempty"`
	FailedPassthrough uint64            `json:"failed_passthrough,omitempty"`
	FuseRequests      map[string]uint64 `json:"fuse_requests"`
}

// Result is result.json. Every list is sorted by bytes.
type Result struct {
	Schema         string        `json:"schema"`
	Run            string        `json:"run"`
	Container      string        `json:"container"`
	Status         Status        `json:"status"`
	Errors         []string      `json:"errors"`
	InputsRoot     digest.Digest `json:"inputs_root"`
	Target         string        `json:"target"`
	StagingDriver  string        `json:"staging_driver"`
	StagingReason  string        `json:"staging_reason"`
	Started        Time          `json:"started"`
	Ended          Time          `json:"ended"`
	HashedFiles    Files         `json:"hashed_files"`
	OutputsRoot    digest.Digest `json:"outputs_root,omitzero"`
	ModifiedInputs []Path        `json:"modified_inputs"`
	DeletedInputs  []Path        `json:"deleted_inputs"`
	Inputs         []Path        `json:"inputs"`
	Listed         []Path        `json:"listed"`
	Absent         []Path        `json:"absent"`
	Undeclared     []Path        `json:"undeclared"`
	Skipped        []Skipped     `json:"skipped"`
	Stats          Stats         `json:"stats"`
}

// Time is written in UTC with milliseconds.
type Time struct{ time.Time }

// MarshalJSON implements json.Marshaler.
func (t Time) MarshalJSON() ([]byte, error) {
	u := t.UTC()
	if y := u.Year(); y < 0 || y > 9999 {
		return nil, fmt.Errorf("time: year %d is not in 0..9999", y)
	}
	return []byte(u.Format(`"2006-01-02T15:04:05.000Z07:00"`)), nil
}

// Encode returns the file's bytes: indented, ending in a newline, lists never null.
func (r *Result) Encode() ([]byte, error) {
	c := *r
	c.Schema = Schema
	c.Errors = orEmpty(c.Errors)
	c.ModifiedInputs, c.DeletedInputs = orEmpty(c.ModifiedInputs), orEmpty(c.DeletedInputs)
	c.Inputs, c.Listed, c.Absent = orEmpty(c.Inputs), orEmpty(c.Listed), orEmpty(c.Absent)
	c.Undeclared, c.Skipped = orEmpty(c.Undeclared), orEmpty(c.Skipped)
	if c.Stats.FuseRequests == nil {
		c.Stats.FuseRequests = map[string]uint64{}
	}
	c.HashedFiles.Sort()
	files := c.HashedFiles
	c.HashedFiles = nil
	flat, err := marshal(&c)
	if err != nil {
		return nil, fmt.Errorf("result of run %s: %w", r.Run, err)
	}
	return indent(flat, files)
}

func orEmpty[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// Decode reads a result. Unknown keys are let through: later versions may add some.
func Decode(in io.Reader) (*Result, error) {
	var r Result
	dec := json.NewDecoder(in)
	if err := dec.Decode(&r); err != nil {
		return nil, fmt.Errorf("result: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("result: there is more after its end")
	}
	if r.Schema != Schema {
		return nil, fmt.Errorf("result: schema %q, expected %q", r.Schema, Schema)
	}
	return &r, nil
}

// Read reads the result at a path; os.ErrNotExist when there is none.
func Read(path string) (*Result, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r, err := Decode(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

// WriteDurable puts data at path so that after a power cut there is either the old file or the whole new one: temp
// file, fsync, rename, fsync of the directory.
func WriteDurable(path string, data []byte) error {
	dir := filepath.Dir(path)
	if err := renameio.WriteFile(path, data, 0o644, renameio.WithTempDir(dir)); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

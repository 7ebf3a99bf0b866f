package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/casview/casview/fsd/result"
	"github.com/casview/casview/hook/e2e/bench/inside"
)

// collectRow times what comes after a job: hashing what it wrote, and a sync. Its first column is not a container but what
// a shell would do with the same files.
func collectRow() row {
	const small, large, copied = "small", "large", "copied"
	return row{
		number: 11, name: "collect", columns: drivers(),
		measures: []measure{
			{step: small, what: "collect 10,000 files of 4 KiB, against sha256sum", limit: upTo(1.1, 1.1)},
			{step: large, what: "collect 1 GiB in one file, against sha256sum", limit: upTo(0.35, 0.35)},
			{step: copied, what: "bytes_copied while collecting", kind: absolute, unit: bytes, limit: upTo(0, 0)},
		},
		prepare: func(ctx context.Context, b *bench) (trial, error) {
			// A store with some thousand blobs, as most are.
			in, err := b.pages(ctx, b.sized(10_000, 1000))
			const from = 1 << 40 // so that no content is in the store already
			work := map[string]inside.Task{
				small: {Files: &inside.Files{
					Dir: "made", Files: b.sized(10_000, 500), InEach: inEach, Pages: 1, First: from, Keep: true,
				}},
				large: {Write: &inside.Write{File: "large", Pages: b.sized(gib, gib/32), First: 2 * from, Keep: true}},
			}
			written := reference{}
			return func(ctx context.Context, c column, _ int) (values, error) {
				v := values{}
				for step, task := range work {
					once := b.collected
					if c == native {
						once = b.hashed
					}
					o, err := once(ctx, c, job{inputs: in, all: true, tasks: []inside.Task{task}})
					if err != nil {
						return nil, err
					}
					v[step], v[copied] = o.seconds, v[copied]+o.copied
					if err := written.check(step, o.files); err != nil {
						return nil, err
					}
				}
				return v, nil
			}, err
		},
	}
}

// collection is what came of collecting once.
type collection struct {
	seconds float64
	copied  float64 // bytes
	files   map[string]string
}

// hashed does the job's work in a plain directory, and then what a shell can do: find, sha256sum, sync.
func (b *bench) hashed(ctx context.Context, _ column, j job) (c collection, err error) {
	dir, err := b.newDir("plain-")
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := b.settle(); err != nil {
		return c, err
	}
	args, err := inside.Args(j.tasks)
	if err != nil {
		return c, err
	}
	work := exec.CommandContext(ctx, "/proc/self/exe", append([]string{insideArg}, args...)...)
	work.Dir = dir
	if _, err := output(work); err != nil {
		return c, err
	}
	start := time.Now()
	hash := exec.CommandContext(ctx, "sh", "-c", "find . -type f -print0 | xargs -0 -P2 sha256sum")
	hash.Dir = dir
	sums, err := output(hash)
	if err == nil {
		err = syncFilesystem(dir)
	}
	c.seconds = time.Since(start).Seconds()
	c.files = map[string]string{}
	for line := range strings.Lines(sums) {
		sum, name, _ := strings.Cut(strings.TrimSpace(line), "  ./")
		c.files[name] = sum
	}
	return c, err
}

// collected runs the job on a view. The time is from the view's end until the result is there under its name.
func (b *bench) collected(ctx context.Context, c column, j job) (collection, error) {
	o, err := b.container(ctx, c, j)
	if err != nil {
		return collection{}, err
	}
	b.note(c, o)
	took, err := collecting(o.runDir)
	if err == nil {
		err = b.forget(o.result)
	}
	return collection{seconds: took.Seconds(), copied: float64(o.result.Stats.BytesCopied), files: o.written}, err
}

// collecting is the time from ended.json, in which the daemon says when the view ended, to the renaming of result.json.
func collecting(runDir string) (time.Duration, error) {
	b, err := os.ReadFile(filepath.Join(runDir, "ended.json"))
	if err != nil {
		return 0, err
	}
	var ended struct {
		Time time.Time `json:"time"`
	}
	if err := json.Unmarshal(b, &ended); err != nil {
		return 0, fmt.Errorf("ended.json: %w", err)
	}
	var st unix.Stat_t
	path := filepath.Join(runDir, "result.json")
	if err := unix.Stat(path, &st); err != nil {
		return 0, &os.PathError{Op: "stat", Path: path, Err: err}
	}
	return time.Unix(st.Ctim.Unix()).Sub(ended.Time), nil
}

// forget takes the outputs of a run out of the store, so that the next one has to bring them in again.
func (b *bench) forget(r *result.Result) error {
	for _, e := range r.HashedFiles {
		if e.Kind != result.File {
			continue
		}
		hex := e.Hash.Hex()
		if err := os.Remove(filepath.Join(b.main.state, "store/blobs/sha256", hex[:2], hex)); err != nil {
			return err
		}
	}
	return nil
}

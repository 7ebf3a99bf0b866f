package hook

import (
	"log/slog"
	"os"
	"time"

	"github.com/casview/casview/fsd/rundir"
)

// runLog is the hook's part of a run's log. The daemon appends to the same file.
type runLog struct {
	*slog.Logger
	file *os.File
	last time.Time
}

func openLog(run *rundir.Dir, stage string) (*runLog, error) {
	f, err := os.OpenFile(run.LogPath(), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(run.Spec().LogLevel)); err != nil {
		level = slog.LevelInfo // an odd level is no reason to lose outputs
	}
	log := slog.New(slog.NewTextHandler(f, &slog.HandlerOptions{Level: level})).
		With("run", run.Key(), "container", run.Spec().Container, "hook", stage)
	return &runLog{Logger: log, file: f, last: time.Now()}, nil
}

// step logs what was done since the step before, and how many milliseconds it took.
func (l *runLog) step(what string, attrs ...any) {
	now := time.Now()
	l.Info(what, append(attrs, "ms", float64(now.Sub(l.last).Microseconds())/1000)...)
	l.last = now
}

func (l *runLog) close() { l.file.Close() }

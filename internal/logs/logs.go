// Package logs builds the logger of the process: JSON lines with the keys that
// Baton connectors have always written (level, ts, caller, msg, error), or a form
// for people to read, to one or several places.
package logs

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/lmittmann/tint"

	"github.com/conductorone/baton-jumpcloud/internal/printable"
	"github.com/conductorone/baton-jumpcloud/internal/redact"
)

// The formats of [Options.Format].
const (
	FormatJSON    = "json"
	FormatConsole = "console"
)

// The streams of [Options.Paths].
const (
	pathStdout = "stdout"
	pathStderr = "stderr"
	pathNull   = "null"
)

// streams are the names that stand for streams, those of the operating system among
// them: opened as files they might be pipes, or somebody else's.
//
//nolint:gochecknoglobals // A constant, but for the language.
var streams = map[string]string{
	pathStdout: pathStdout, "/dev/stdout": pathStdout, "/proc/self/fd/1": pathStdout, "/dev/fd/1": pathStdout,
	pathStderr: pathStderr, "/dev/stderr": pathStderr, "/proc/self/fd/2": pathStderr, "/dev/fd/2": pathStderr,
	os.DevNull: pathNull,
}

// IsStream reports whether a path of [Options.Paths] stands for a stream, and not for a
// file.
func IsStream(path string) bool { return streams[path] != "" }

// Options say what is logged, how and where.
type Options struct {
	Level slog.Level
	// DebugUntil is when a Level below info turns into info; zero means never.
	DebugUntil time.Time
	// Changing takes the place of Level and DebugUntil where it is not nil.
	Changing *Level
	Format   string // FormatJSON or FormatConsole
	Color    bool   // for FormatConsole
	// Paths are files to append to, or the names of streams: "stdout", "stderr", or those
	// that the operating system has for them. Empty means "stderr".
	Paths          []string
	Stdout, Stderr io.Writer
}

// Log is the logger and what it writes to. Close it at the end of the process.
type Log struct {
	*slog.Logger
	// OnStderr reports whether the log goes to stderr among others.
	OnStderr bool

	files []*os.File
}

// New opens the log's destinations. Files are created with mode 0600 and
// appended to; one that is there and holds something else than a log is refused, so
// that nothing is lost by a name in the wrong place. If one cannot be opened, none
// stays open.
func New(o Options) (*Log, error) {
	paths := o.Paths
	if len(paths) == 0 {
		paths = []string{pathStderr}
	}
	log := new(Log)
	var writers []io.Writer
	for _, path := range paths {
		switch streams[path] {
		case pathStdout:
			writers = append(writers, o.Stdout)
		case pathStderr:
			log.OnStderr = true
			writers = append(writers, o.Stderr)
		case pathNull:
			writers = append(writers, io.Discard)
		default:
			f, err := open(path)
			if err != nil {
				return nil, errors.Join(fmt.Errorf("open log: %w", err), log.Close())
			}
			log.files = append(log.files, f)
			writers = append(writers, f)
		}
	}
	log.Logger = slog.New(redact.Handler(handler(io.MultiWriter(writers...), o)))
	return log, nil
}

// Close closes the files that New opened.
func (l *Log) Close() error {
	var errs []error
	for _, f := range l.files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

func handler(w io.Writer, o Options) slog.Handler {
	var level slog.Leveler = expiring{o.Level, o.DebugUntil}
	if o.Changing != nil {
		level = o.Changing
	}
	if o.Format == FormatConsole {
		return tint.NewTextHandler(w, &tint.Options{Level: level, TimeFormat: time.TimeOnly, NoColor: !o.Color, ReplaceAttr: visible})
	}
	return slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, AddSource: true, ReplaceAttr: replace})
}

// expiring is a level that is no more verbose than info once its time is over.
type expiring struct {
	level slog.Level
	until time.Time
}

// Level is asked for each record.
func (e expiring) Level() slog.Level {
	if e.level < slog.LevelInfo && !e.until.IsZero() && !time.Now().Before(e.until) {
		return slog.LevelInfo
	}
	return e.level
}

// Level is a level that can change while the log is open. Its zero value is info. It is
// safe for concurrent use.
type Level struct {
	current atomic.Pointer[expiring]
}

// Set changes the level; see [Options] for the two parts of it.
func (l *Level) Set(level slog.Level, debugUntil time.Time) {
	l.current.Store(&expiring{level, debugUntil})
}

// Level implements [slog.Leveler].
func (l *Level) Level() slog.Level {
	if e := l.current.Load(); e != nil {
		return e.Level()
	}
	return slog.LevelInfo
}

// visible escapes what a terminal would obey in texts, which may come from outside.
// JSON does so too, and leaves some.
func visible(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindString {
		a.Value = slog.StringValue(printable.VisibleLines(a.Value.String()))
	} else if err, ok := a.Value.Any().(error); ok && err != nil {
		a.Value = slog.StringValue(printable.VisibleLines(err.Error()))
	}
	return a
}

// replace gives a record's own keys the names and forms that log pipelines built
// for other Baton connectors expect.
func replace(groups []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		return slog.Float64(a.Key, a.Value.Duration().Seconds())
	}
	a = visible(groups, a)
	if len(groups) > 0 {
		return a
	}
	switch value := a.Value.Any().(type) {
	case slog.Level:
		return slog.String("level", strings.ToLower(value.String()))
	case time.Time:
		if a.Key == slog.TimeKey {
			return slog.Float64("ts", float64(value.UnixNano())/float64(time.Second))
		}
	case *slog.Source:
		dir, file := filepath.Split(value.File)
		return slog.String("caller", filepath.Base(dir)+"/"+file+":"+strconv.Itoa(value.Line))
	}
	return a
}

package audit

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"slices"

	"github.com/conductorone/baton-jumpcloud/internal/provision"
)

const (
	// tailBytes is how much of the file's end a start looks at: some ten thousand
	// changes.
	tailBytes = 16 << 20
	// maxLine is the longest line that can be a record.
	maxLine = 1 << 20
	// maxOpen bounds the changes that are remembered while the file is read.
	maxOpen = 10_000
	// maxReported bounds how many are told one by one.
	maxReported = 20
)

// reportOpen logs the changes of the file that have no outcome.
func (t *Trail) reportOpen(ctx context.Context) error {
	var found []Record
	err := withFile(ctx, t.options.Path, func(f *os.File, size int64) (err error) {
		found, err = unsettled(f, size)
		return err
	})
	if err != nil {
		return err
	}
	const message = "recorded change without outcome; it may or may not have been applied, and repeating it is safe"
	for _, r := range found[max(0, len(found)-maxReported):] {
		t.options.Logger.LogAttrs(ctx, slog.LevelWarn, message, append(r.attrs(), slog.Time("intended_at", r.Time))...)
	}
	if more := len(found) - maxReported; more > 0 {
		t.options.Logger.WarnContext(ctx, "more recorded changes without outcome", slog.Int("changes", more), slog.String("file", t.options.Path))
	}
	return nil
}

// unsettled finds the intents without an outcome in the end of a file, the oldest
// first. Those that a later change of the same access settled are not among them:
// since that succeeded, what is so is known again.
func unsettled(file io.ReaderAt, size int64) ([]Record, error) {
	type intent struct {
		Record
		place int
	}
	var (
		open  = make(map[string]intent)
		place int
	)
	err := tail(file, size, func(line []byte) {
		var r Record
		if json.Unmarshal(line, &r) != nil || r.Change == "" {
			// A line that somebody did not finish, or that is not ours.
			return
		}
		place++
		switch r.Event {
		case EventIntent:
			if len(open) < maxOpen {
				open[r.Change] = intent{r, place}
			}
		case EventOutcome:
			ended, known := open[r.Change]
			delete(open, r.Change)
			if !known || r.Result != provision.ResultChanged && r.Result != provision.ResultAlready {
				return
			}
			for id, other := range open {
				if other.place < ended.place && other.sameChange(ended.Record) {
					delete(open, id)
				}
			}
		}
	})
	if err != nil {
		return nil, err
	}
	left := make([]intent, 0, len(open))
	for _, i := range open {
		left = append(left, i)
	}
	slices.SortFunc(left, func(a, b intent) int { return cmp.Compare(a.place, b.place) })
	records := make([]Record, 0, len(left))
	for _, i := range left {
		records = append(records, i.Record)
	}
	return records, nil
}

// tail visits the lines in the end of a file, without the first one where that
// began before it, and without those that are too long to be records.
func tail(file io.ReaderAt, size int64, visit func(line []byte)) error {
	from := max(0, size-tailBytes)
	r := bufio.NewReaderSize(io.NewSectionReader(file, from, size-from), maxLine)
	skip := from > 0
	for ended := false; !ended; {
		line, err := r.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			skip = true
			continue
		}
		ended = errors.Is(err, io.EOF)
		if err != nil && !ended {
			return err
		}
		if !skip && len(line) > 0 {
			visit(line)
		}
		skip = false
	}
	return nil
}

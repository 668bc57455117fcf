package campaign

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-jumpcloud/internal/fault"
)

// MaxComment is how many characters a comment has at most.
const MaxComment = 2000

// dateForm is how the last day of an exception is written.
const dateForm = time.DateOnly

// Choice is a decision about an item.
type Choice struct {
	Item     int
	Decision Decision
	Comment  string
	// Until is the last day of an exception, as 2006-01-02, and empty otherwise.
	Until string
}

// Check refuses a choice that cannot be made at a time, whatever the item.
func (c *Choice) Check(now time.Time) error {
	if _, err := ParseDecision(string(c.Decision)); err != nil {
		return err
	}
	if n := utf8.RuneCountInString(c.Comment); n > MaxComment {
		return fault.Invalid("comment has %d characters, and %d are allowed", n, MaxComment)
	}
	if c.Decision != Exception {
		if c.Until != "" {
			return fault.Invalid("only an exception has an end date; the decision is %s", c.Decision)
		}
		return nil
	}
	if c.Until == "" {
		return fault.Invalid("exception without an end date: want a date such as %s", now.AddDate(0, 3, 0).Format(dateForm))
	}
	until, err := time.Parse(dateForm, c.Until)
	if err != nil {
		return fault.Invalid("end date %q of the exception is invalid: want YYYY-MM-DD", c.Until)
	}
	// Somewhere it is still that day.
	if until.Before(now.UTC().AddDate(0, 0, -1)) {
		return fault.Invalid("end date %s of the exception is in the past", c.Until)
	}
	if strings.TrimSpace(c.Comment) == "" {
		return fault.Invalid("exception without a comment: say why the access is kept")
	}
	return nil
}

// Actor is who decides, and from where: a command, the browser or a worksheet.
type Actor struct{ By, From string }

// Decide makes decisions, all or none. They are on the disk when it returns. Those that
// change nothing are left out; it returns how many were made.
func (f *File) Decide(ctx context.Context, who Actor, choices []Choice) (int, error) {
	if strings.TrimSpace(who.By) == "" {
		return 0, fault.Invalid("missing name: say who decides")
	}
	made := 0
	err := f.change(ctx, func() ([]*Event, error) {
		if err := f.refuseClosed(); err != nil {
			return nil, err
		}
		var events []*Event
		for i := range choices {
			c := &choices[i]
			if err := f.known(c.Item); err != nil {
				return nil, err
			}
			s := &f.states[c.Item-1]
			e := &Event{At: f.now(), By: who.By, From: who.From, Item: c.Item}
			if c.Decision == Undecided {
				if s.Decision == Undecided {
					continue
				}
				e.Action = ActionCleared
			} else {
				if err := c.Check(f.now()); err != nil {
					return nil, err
				}
				if s.Decision == c.Decision && s.Comment == c.Comment && s.Until == c.Until && s.By == who.By {
					continue
				}
				e.Action, e.Decision, e.Comment, e.Until = ActionDecided, c.Decision, c.Comment, c.Until
			}
			events = append(events, e)
		}
		made = len(events)
		return events, nil
	})
	if err != nil {
		return 0, err
	}
	return made, nil
}

func (f *File) refuseClosed() error {
	if f.closed == nil {
		return nil
	}
	return fault.WithHints(
		fault.WithCode(codes.FailedPrecondition, "review %s was closed by %s on %s: its decisions are final", f.path, f.closed.By, f.closed.At.Format(time.DateTime+" MST")),
		"start another review with review new",
	)
}

func (f *File) known(item int) error {
	if item < 1 || item > len(f.items) {
		return fault.WithHints(fault.WithCode(codes.NotFound, "item %d does not exist: the review has items 1 to %d", item, len(f.items)), "list them with review list")
	}
	return nil
}

// Freeze closes the review: no decision is made any more. Undecided items are refused
// unless as says what they mean. A review that is closed stays as it is.
func (f *File) Freeze(ctx context.Context, by string, as Decision) error {
	return f.change(ctx, func() ([]*Event, error) {
		if f.closed != nil {
			return nil, nil
		}
		var events []*Event
		now := f.now()
		for i := range f.states {
			if f.states[i].Decision == Undecided {
				events = append(events, &Event{At: now, By: by, From: "close", Action: ActionDecided, Item: i + 1, Decision: as, Comment: "undecided when the review was closed"})
			}
		}
		if n := len(events); n > 0 && as != Keep && as != Revoke {
			return nil, fault.WithHints(
				fault.WithCode(codes.FailedPrecondition, "review cannot be closed: %d of %d items are undecided", n, len(f.items)),
				"list them with review list "+f.path+" --decision undecided, or say what they mean with --undecided keep or --undecided revoke",
			)
		}
		return append(events, &Event{At: now, By: by, Action: ActionClosed}), nil
	})
}

// Packed records that evidence was written.
func (f *File) Packed(ctx context.Context, by, manifest string) error {
	return f.change(ctx, func() ([]*Event, error) {
		return []*Event{{At: f.now(), By: by, Action: ActionPacked, Manifest: manifest}}, nil
	})
}

// Counts are how many items have which decision and result.
type Counts struct {
	Items     int `json:"items"`
	Undecided int `json:"undecided"`
	Keep      int `json:"keep"`
	Revoke    int `json:"revoke"`
	Exception int `json:"exception"`
	// Done counts the revokes that were carried out, Open the others.
	Done int `json:"revokes_done"`
	Open int `json:"revokes_open"`
}

// Count counts rows.
func Count(rows []Row) Counts {
	c := Counts{Items: len(rows)}
	for i := range rows {
		switch rows[i].Decision {
		case Undecided:
			c.Undecided++
		case Keep:
			c.Keep++
		case Exception:
			c.Exception++
		case Revoke:
			c.Revoke++
			if rows[i].Result.Final() {
				c.Done++
			} else {
				c.Open++
			}
		}
	}
	return c
}

package console

import (
	"cmp"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/dustin/go-humanize/english"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// Outcome is what came of a sync.
type Outcome struct {
	syncer.Summary
	// Organization, OrganizationID and Host say what was read.
	Organization, OrganizationID, Host string
	// Users and Admins are how many of the accounts are the one and the other; both
	// zero when unknown.
	Users, Admins int64
	// SkippedAdmins says that administrators were left out.
	SkippedAdmins bool
	// Incremental says that what did not change was carried over from an earlier sync: the
	// holders of CarriedLists groups and applications, while those of ReadLists were read.
	Incremental             bool
	CarriedLists, ReadLists int64
	// Losses are sentences on what an earlier sync had and this one has not.
	Losses []string

	// Requests were made, of which Retries repeated an earlier one and Refused were
	// too many for the server (429).
	Requests, Retries, Refused int64
	// InFlight is how many requests were under way at once at most, and Underway how
	// long each took, added up: divided by the time of reading it is how many were
	// under way on average.
	InFlight int64
	Underway time.Duration
	// Waited is how long requests were held back to keep to the server's limit, over
	// all of them.
	Waited time.Duration
	Took   time.Duration // of this process

	File string
	// Size and DecodedSize are the bytes of the file and of the database in it.
	Size, DecodedSize int64
	OlderSyncs        int // that the file keeps
}

// maxNamed bounds how many vanished objects are named.
const maxNamed = 5

// line is one row of the summary.
type line struct{ label, value, note string }

// WriteText writes the outcome for a person.
func (o Outcome) WriteText(w io.Writer) error {
	t := table.NewWriter()
	t.SetStyle(plainStyle())
	t.SetColumnConfigs([]table.ColumnConfig{{Number: 2, Align: text.AlignRight}})
	for _, l := range slices.Concat(o.countLines(), []line{{}}, o.costLines()) {
		t.AppendRow(table.Row{"  " + l.label, l.value, l.note})
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Synced %s from %s%s\n\n", o.who(), o.Host, o.what())
	for row := range strings.Lines(t.Render()) {
		b.WriteString(strings.TrimRight(row, " \n") + "\n")
	}
	for i, note := range o.Notes() {
		if i == 0 {
			b.WriteString("\n")
		}
		b.WriteString("  Note: " + note + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// plainStyle is a table of aligned columns and nothing else.
func plainStyle() table.Style {
	style := table.StyleDefault
	style.Options = table.OptionsNoBordersAndSeparators
	style.Box.PaddingLeft, style.Box.PaddingRight = "", "   "
	return style
}

// who names the organization.
func (o Outcome) who() string {
	if o.Organization == "" {
		return "organization " + o.OrganizationID
	}
	return o.Organization + " (" + o.OrganizationID + ")"
}

// what says what kind of sync it was, unless it was a full one.
func (o Outcome) what() string {
	switch {
	case o.Type == syncer.SyncPartial:
		return ", some resources only"
	case o.Type == syncer.SyncResourcesOnly:
		return ", resources only"
	case o.Incremental && o.Resumed:
		return ", incremental, resuming an interrupted run"
	case o.Incremental:
		return ", incremental"
	case o.Resumed:
		return ", resuming an interrupted run"
	default:
		return ""
	}
}

func (o Outcome) countLines() []line {
	var accounts string
	if o.Users+o.Admins > 0 {
		accounts = fmt.Sprintf("%s, %s", english.Plural(int(o.Users), "user", ""), english.Plural(int(o.Admins), "administrator", ""))
	}
	lines := make([]line, 0, len(o.ResourceTypes)+2)
	for _, id := range o.types() {
		l := line{o.typeLabel(id), humanize.Comma(o.Resources[id]), ""}
		if id == restype.User {
			l.note = accounts
		}
		lines = append(lines, l)
	}
	if o.Type == syncer.SyncResourcesOnly {
		return lines
	}
	grants := ""
	if o.Expanded {
		grants = fmt.Sprintf("%s direct, %s inherited", humanize.Comma(o.DirectGrants), humanize.Comma(o.InheritedGrants))
	}
	return append(lines,
		line{"Entitlements", humanize.Comma(sum(o.Entitlements)), ""},
		line{"Grants", humanize.Comma(sum(o.Grants)), grants})
}

// types lists the synced types: those that a reader looks for first, then the others
// by their labels.
func (o Outcome) types() []string {
	first := restype.IDs()
	place := func(id string) int {
		if i := slices.Index(first, id); i >= 0 {
			return i
		}
		return len(first)
	}
	return slices.SortedFunc(slices.Values(o.ResourceTypes), func(a, b string) int {
		return cmp.Or(cmp.Compare(place(a), place(b)), strings.Compare(o.typeLabel(a), o.typeLabel(b)), strings.Compare(a, b))
	})
}

// typeLabel is what the resources of a type are called.
func (o Outcome) typeLabel(id string) string {
	if t, ok := restype.Find(id); ok {
		return t.Title()
	}
	return english.PluralWord(2, cmp.Or(o.TypeNames[id], id), "")
}

func (o Outcome) costLines() []line {
	var requests, phases []string
	if o.Retries > 0 {
		requests = append(requests, english.Plural(int(o.Retries), "retry", ""))
	}
	if o.Refused > 0 {
		requests = append(requests, humanize.Comma(o.Refused)+" rate limited (429)")
	}
	if o.Waited >= time.Second {
		requests = append(requests, fmt.Sprintf("rate limiter waited %s in total", brief(o.Waited)))
	}
	for _, p := range o.Phases {
		if p.Took >= time.Millisecond {
			phases = append(phases, fmt.Sprintf("%s %s", p.Phase, brief(p.Took)))
		}
	}
	file := fmt.Sprintf("%s (%s unpacked", o.File, humanize.Bytes(uint64(max(o.DecodedSize, 0))))
	if o.OlderSyncs > 0 {
		file += ", with " + english.Plural(o.OlderSyncs, "older sync", "")
	}
	var lines []line
	if o.Incremental {
		lines = append(lines, line{"Carried over", humanize.Comma(o.CarriedLists), "lists of holders; " + humanize.Comma(o.ReadLists) + " were read"})
	}
	return append(lines, []line{
		{"Requests", humanize.Comma(o.Requests), strings.Join(requests, ", ")},
		{"Took", brief(o.Took), strings.Join(phases, ", ")},
		{"Archive", humanize.Bytes(uint64(max(o.Size, 0))), file + ")"},
	}...)
}

// Notes are the sentences that the reader of the outcome must not miss: what was
// left out, what fell with it, and what the source remarked.
func (o Outcome) Notes() []string {
	var notes []string
	if len(o.LeftOutTypes) > 0 {
		notes = append(notes, "skipped by settings: resources of type "+strings.Join(o.LeftOutTypes, ", "))
	}
	if o.SkippedAdmins {
		notes = append(notes, "skipped by settings: administrators")
	}
	for _, drop := range []struct {
		reason syncer.DropReason
		why    string
	}{
		{syncer.DropLeftOut, "depended on what was skipped"},
		{syncer.DropNotFound, "named a principal that does not exist"},
		{syncer.DropVanished, "belonged to an object deleted during the sync"},
	} {
		if n := o.Dropped[drop.reason]; n > 0 {
			notes = append(notes, fmt.Sprintf("not in the archive: %s that %s", english.Plural(int(n), "grant", ""), drop.why))
		}
	}
	if n := len(o.Vanished); n > 0 {
		names := make([]string, 0, maxNamed+1)
		for _, ref := range o.Vanished[:min(n, maxNamed)] {
			names = append(names, ref.Type+" "+ref.ID)
		}
		if n > maxNamed {
			names = append(names, "...")
		}
		notes = append(notes, fmt.Sprintf("deleted during the sync: %s (%s)", english.Plural(n, "object", ""), strings.Join(names, ", ")))
	}
	return slices.Concat(notes, o.Losses, o.Remarks)
}

// Attrs are the same numbers for the log.
func (o Outcome) Attrs() []slog.Attr {
	attrs := []slog.Attr{
		slog.String("organization", o.Organization), slog.String("organization_id", o.OrganizationID), slog.String("host", o.Host),
		slog.String("sync_id", o.SyncID), slog.String("sync_type", string(o.Type)), slog.Bool("resumed", o.Resumed),
		slog.Int64("users", o.Users), slog.Int64("administrators", o.Admins),
		slog.Any("resources", o.Resources), slog.Int64("entitlements", sum(o.Entitlements)), slog.Int64("grants", sum(o.Grants)),
		slog.Int64("grants_direct", o.DirectGrants), slog.Int64("grants_inherited", o.InheritedGrants), slog.Any("grants_dropped", o.Dropped),
		slog.Int("objects_vanished", len(o.Vanished)),
		slog.Int64("requests", o.Requests), slog.Int64("retries", o.Retries), slog.Int64("requests_refused", o.Refused),
		slog.Int64("requests_in_flight", o.InFlight), slog.Duration("requests_took", o.Underway), slog.Duration("waited", o.Waited), slog.Duration("took", o.Took),
		slog.String("file", o.File), slog.Int64("compressed_bytes", o.Size), slog.Int64("decompressed_bytes", o.DecodedSize), slog.Int("older_syncs", o.OlderSyncs),
	}
	if o.Incremental {
		attrs = append(attrs, slog.Bool("incremental", true), slog.Int64("lists_carried_over", o.CarriedLists), slog.Int64("lists_read", o.ReadLists))
	}
	for _, p := range o.Phases {
		attrs = append(attrs, slog.Duration("took_"+strings.ReplaceAll(string(p.Phase), " ", "_"), p.Took))
	}
	return attrs
}

// brief is a duration with the precision that a person reads.
func brief(d time.Duration) string {
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	default:
		return d.Round(time.Second).String()
	}
}

func sum(counts map[string]int64) int64 {
	var total int64
	for _, n := range counts {
		total += n
	}
	return total
}

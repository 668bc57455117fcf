package archives

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	"github.com/conductorone/baton-jumpcloud/internal/cli/program"
	"github.com/conductorone/baton-jumpcloud/internal/config"
	"github.com/conductorone/baton-jumpcloud/internal/console"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/printable"
	"github.com/conductorone/baton-jumpcloud/internal/regularfile"
	"github.com/conductorone/baton-jumpcloud/internal/review"
	"github.com/conductorone/baton-jumpcloud/internal/review/search"
	"github.com/conductorone/baton-jumpcloud/internal/review/tables"
	"github.com/conductorone/baton-jumpcloud/internal/tempdir"
	"github.com/conductorone/baton-jumpcloud/internal/version"
)

// Opened is an archive that is looked at.
type Opened struct {
	*c1z.Reader
	Path string
	temp *tempdir.Dir // of the unpacked archive
	// Loading must end before anything else is written to the terminal; Close ends it
	// too.
	Loading *loading
}

// Close removes what was unpacked.
func (o *Opened) Close() error {
	o.Loading.End()
	return errors.Join(o.Reader.Close(), o.temp.Close())
}

// Open opens an archive of any connector to look at it. An empty path is
// that of the settings.
func Open(ctx context.Context, a *program.App, cmd *cobra.Command, path string) (*Opened, error) {
	cfg, err := a.Load(cmd, config.ForCommand)
	if err != nil {
		return nil, err
	}
	if path == "" {
		path = cfg.Output.File
	}
	limits, err := a.Limits()
	if err != nil {
		return nil, err
	}
	if err := a.CheckStreams([]program.Claim{program.ClaimOf("the archive", path, false)}); err != nil {
		return nil, err
	}
	temp, err := tempdir.New(cfg.Output.TempDir)
	if err != nil {
		return nil, err
	}
	loading := startLoading(a, printable.Visible(path))
	reader, err := c1z.Open(ctx, path, c1z.OpenOptions{TempDir: temp.Path(), Limits: limits})
	if err != nil {
		loading.End()
		return nil, errors.Join(Unreadable(ctx, path, err), temp.Close())
	}
	return &Opened{reader, path, temp, loading}, nil
}

// Unreadable adds to the reason why an archive cannot be opened what can be done.
func Unreadable(ctx context.Context, path string, err error) error {
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, fs.ErrNotExist):
		return fault.WithCode(codes.NotFound, "archive %s does not exist; name another with --file, or sync first: %s", path, console.CommandFor(path))
	case errors.Is(err, c1z.ErrUnsupported):
		return fault.WithHints(err, "write it again with a current version of the program that made it, or update "+program.Name)
	case errors.Is(err, c1z.ErrNotArchive):
		return fault.WithHints(err, "name a .c1z archive with --file")
	case errors.Is(err, c1z.ErrDamaged):
		return fault.WithHints(err, "copy it again from its source, or sync again: "+console.CommandFor(path))
	}
	return err
}

// Run finds a sync of the archive by its id or the beginning of it; empty means the
// one that Baton readers show.
func (o *Opened) Run(ctx context.Context, id string) (c1z.SyncRun, error) {
	if id == "" {
		run, err := o.Shown(ctx)
		if errors.Is(err, c1z.ErrNotFound) {
			return run, o.noSync(ctx)
		}
		return run, err
	}
	runs, err := o.Syncs(ctx)
	if err != nil {
		return c1z.SyncRun{}, err
	}
	var found []c1z.SyncRun
	for _, run := range runs {
		if run.ID == id {
			return run, nil
		}
		if strings.HasPrefix(run.ID, id) {
			found = append(found, run)
		}
	}
	if len(found) == 1 {
		return found[0], nil
	}
	if len(runs) == 0 {
		return c1z.SyncRun{}, o.noSync(ctx)
	}
	return c1z.SyncRun{}, fault.WithCode(codes.NotFound, "archive %s has no sync %q; it has\n%s", o.Path, id, syncLines(runs))
}

// noSync says that there is nothing that could be shown by itself.
func (o *Opened) noSync(ctx context.Context) error {
	runs, err := o.Syncs(ctx)
	if err != nil {
		return err
	}
	if len(runs) == 0 {
		return fault.WithCode(codes.NotFound, "archive %s contains no sync; sync first: %s", o.Path, console.CommandFor(o.Path))
	}
	return fault.WithCode(codes.NotFound, "archive %s contains no finished full sync; choose one of these with --sync, or sync again: %s\n%s",
		o.Path, console.CommandFor(o.Path), syncLines(runs))
}

// syncLines lists syncs, the newest first.
func syncLines(runs []c1z.SyncRun) string {
	lines := make([]string, 0, len(runs))
	for _, run := range NewestFirst(runs) {
		lines = append(lines, "  "+DescribeRun(run))
	}
	return strings.Join(lines, "\n")
}

// NewestFirst sorts syncs by when they began.
func NewestFirst(runs []c1z.SyncRun) []c1z.SyncRun {
	return slices.SortedStableFunc(slices.Values(runs), func(a, b c1z.SyncRun) int { return b.StartedAt.Compare(a.StartedAt) })
}

// DescribeRun is a sync in a few words.
func DescribeRun(run c1z.SyncRun) string {
	state := "not finished"
	if run.Finished() {
		state = "took " + run.EndedAt.Sub(run.StartedAt).Round(time.Millisecond).String()
	}
	return fmt.Sprintf("%s, %s, %s, %s", run.ID, run.Type, run.StartedAt.UTC().Format(time.DateTime+" MST"), state)
}

// Shown is a sync with the words for what is in it, and the path of its archive.
type Shown struct {
	*tables.Sync
	Path string
}

// LoadSync reads a sync to answer questions about it.
func (o *Opened) LoadSync(ctx context.Context, id string) (*Shown, error) {
	run, err := o.Run(ctx, id)
	if err != nil {
		return nil, err
	}
	s, err := review.Load(ctx, o.Reader, run.ID, o.Loading.update)
	if err != nil {
		return nil, Unreadable(ctx, o.Path, err)
	}
	return &Shown{tables.Of(s), o.Path}, nil
}

// Provenance says what an export of the sync is of. It reads the archive once more.
func (s *Shown) Provenance(ctx context.Context, q search.Query) (*tables.Provenance, error) {
	sum, err := regularfile.SHA256(ctx, s.Path)
	if err != nil {
		return nil, fmt.Errorf("read archive: %w", err)
	}
	return &tables.Provenance{
		Archive: filepath.Base(s.Path), SHA256: sum, Run: s.Run, Query: q, Now: time.Now().Truncate(time.Second),
		Tool: version.Program + " " + version.Read().String(),
	}, nil
}

// Read opens an archive, reads a sync of it and closes it again before the
// questions begin. An empty path is that of the settings.
func Read(ctx context.Context, a *program.App, cmd *cobra.Command, path, id string) (_ *Shown, err error) {
	archive, err := Open(ctx, a, cmd, path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, archive.Close()) }()
	return archive.LoadSync(ctx, id)
}

// loading shows on a terminal that an archive is being read, which takes a while where
// it is large. Its methods are safe for concurrent use.
type loading struct {
	text atomic.Pointer[string]
	End  func()
}

// loadingRefresh is how often the display is drawn. What is read sooner shows none.
const loadingRefresh = 300 * time.Millisecond

// startLoading puts the display on the terminal, if there is one.
func startLoading(a *program.App, path string) *loading {
	l := &loading{End: func() {}}
	l.say("unpacking " + path)
	if !a.IsTerminal(a.Stderr) {
		return l
	}
	progress := mpb.New(mpb.WithOutput(a.Stderr), mpb.WithRefreshRate(loadingRefresh))
	bar := progress.New(0, mpb.NopStyle(), mpb.PrependDecorators(decor.Any(func(decor.Statistics) string { return *l.text.Load() })))
	l.End = sync.OnceFunc(func() {
		bar.Abort(true)
		progress.Wait()
	})
	return l
}

func (l *loading) say(text string) {
	l.text.Store(&text)
}

// update shows how far reading has come.
func (l *loading) update(p review.Progress) {
	text := "read " + humanize.Comma(p.Grants)
	if p.Total > 0 {
		text += " of " + humanize.Comma(p.Total)
	}
	l.say(text + " grants")
}

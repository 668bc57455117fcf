package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	"github.com/conductorone/baton-jumpcloud/internal/cli/program"
	"github.com/conductorone/baton-jumpcloud/internal/config"
	"github.com/conductorone/baton-jumpcloud/internal/console"
	"github.com/conductorone/baton-jumpcloud/internal/network"
	"github.com/conductorone/baton-jumpcloud/internal/notify"
	"github.com/conductorone/baton-jumpcloud/internal/review"
	"github.com/conductorone/baton-jumpcloud/internal/review/diff"
	"github.com/conductorone/baton-jumpcloud/internal/review/search"
	"github.com/conductorone/baton-jumpcloud/internal/review/tables"
	"github.com/conductorone/baton-jumpcloud/internal/service"
	"github.com/conductorone/baton-jumpcloud/internal/sheet"
	"github.com/conductorone/baton-jumpcloud/internal/tempdir"
)

// envWebhookSecret is the environment variable that messages to a webhook are signed with. A
// flag would show it to everybody on the machine.
const envWebhookSecret = "BATON_WEBHOOK_SECRET" //nolint:gosec // The name of it.

const (
	// leastEvery is the least time between two syncs.
	leastEvery = time.Minute
	// watchBatch is how many changes are read at once.
	watchBatch = 20_000
)

// watchOptions are the flags of the watch command.
type watchOptions struct {
	every             time.Duration
	output            string
	onChange, webhook string
}

func newWatch(a *program.App) *cobra.Command {
	var o watchOptions
	cmd := &cobra.Command{
		Use:   "watch",
		Short: "Keep an archive current, and tell what changes",
		Long: `Sync at once and then every hour, without ConductorOne, until it is stopped. The archive at --file
stays current; after each sync, the changes since the previous one are printed, and go to a command and
to an address if these are named. Messages to an address are signed with ` + envWebhookSecret + `.`,
		Example: `  baton-jumpcloud watch --file sync.c1z
  baton-jumpcloud watch --every 15m --incremental --sync-last-login
  baton-jumpcloud watch -o json | jq .changes
  baton-jumpcloud watch --on-change 'mail -s "access changed" it@example.com'
  baton-jumpcloud watch --webhook https://hooks.example.com/access --health-check`,
		Args: program.NoArguments, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.Load(cmd, config.ForRun)
			if err != nil {
				return err
			}
			return runWatch(cmd.Context(), a, cfg, o)
		},
	}
	flags := cmd.Flags()
	flags.DurationVar(&o.every, "every", time.Hour, "Time between the beginnings of two syncs")
	flags.StringVarP(&o.output, "output", "o", "text", "What is printed of changes: text or json (one object a line)")
	flags.StringVar(&o.onChange, "on-change", "", "Command that the shell runs when something changed, with the changes as JSON on its input")
	flags.StringVar(&o.webhook, "webhook", "", "Address that changes are posted to as JSON, signed with "+envWebhookSecret)
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"text", "json"}, cobra.ShellCompDirectiveNoFileComp)))
	return cmd
}

func (o *watchOptions) check(cfg *config.Config) error {
	switch {
	case o.every < leastEvery || o.every > 30*24*time.Hour:
		return fmt.Errorf("--every is %s: want %s to 720h", o.every, leastEvery)
	case o.output != "text" && o.output != "json":
		return fmt.Errorf("--output is %q: want text or json", o.output)
	case cfg.Service.Enabled():
		return errors.New("watch works without ConductorOne: leave out the client ID, or start the service without a command")
	case cfg.Change.IsAccess() || cfg.Change.IsLifecycle() || cfg.Change.Action != "" || cfg.Change.ListActions || cfg.Events.Read:
		return errors.New("watch only syncs: leave out the options that change something, list actions or read events")
	case len(cfg.Sync.Resources) > 0 || cfg.Sync.SkipEntitlementsAndGrants || cfg.Sync.SkipGrants:
		return errors.New("watch makes whole syncs: leave out the options for parts of one")
	}
	return nil
}

func runWatch(ctx context.Context, a *program.App, cfg *config.Config, o watchOptions) error {
	if err := o.check(cfg); err != nil {
		return err
	}
	followed := func(c *console.Console) error {
		c.Watched = false // It goes on for days; the log is what is followed.
		return nil
	}
	return a.Connected(ctx, cfg, followed, func(c *console.Console, n *network.Network) error {
		limits, err := a.Limits()
		if err != nil {
			return err
		}
		w := &watcher{app: a, cfg: cfg, options: o, console: c, limits: limits}
		if o.webhook != "" {
			if w.hook, err = notify.NewWebhook(o.webhook, cfg.Output.WebhookSecret, n.KeysTransport(n.Roots), c.Log.Logger); err != nil {
				return fmt.Errorf("--webhook: %w (%s)", err, envWebhookSecret)
			}
			posting, stop := context.WithCancel(ctx)
			var poster sync.WaitGroup
			poster.Go(func() { w.hook.Run(posting) })
			defer poster.Wait()
			defer stop()
		}
		if w.before, err = w.load(ctx); err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, c1z.ErrNotFound) {
			c.Log.WarnContext(ctx, "the previous archive cannot be read", "path", cfg.Output.File, "error", err)
		}
		return service.Watch(ctx, service.Options{Config: cfg, Console: c, Network: n, Limits: limits}, o.every, w.synced)
	})
}

// watcher tells what each sync changed.
type watcher struct {
	app     *program.App
	cfg     *config.Config
	options watchOptions
	console *console.Console
	limits  c1z.Limits
	hook    *notify.Webhook
	// before is the sync that the next one is compared with; nil before the first.
	before *review.Sync
}

// load reads the sync of the archive that readers show.
func (w *watcher) load(ctx context.Context) (_ *review.Sync, err error) {
	temp, err := tempdir.New(w.cfg.Output.TempDir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, temp.Close()) }()
	r, err := c1z.Open(ctx, w.cfg.Output.File, c1z.OpenOptions{TempDir: temp.Path(), Limits: w.limits, Logger: w.console.Log.Logger})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	return review.Load(ctx, r, "", nil)
}

// synced tells what the sync changed that has just been made.
func (w *watcher) synced(ctx context.Context) error {
	now, err := w.load(ctx)
	if err != nil {
		return err
	}
	before := w.before
	w.before = now
	if before == nil {
		return w.first(now)
	}
	if before.Run.ID == now.Run.ID {
		return nil
	}
	news, err := w.news(ctx, before, now)
	if err != nil {
		return err
	}
	text := append(news.text, '\n')
	if w.options.output == "text" {
		text = []byte(news.words)
	}
	// Each is told, whatever becomes of the others.
	_, err = w.app.Stdout.Write(text)
	if news.count == 0 {
		return err
	}
	if w.hook != nil {
		w.hook.Post(ctx, now.Run.ID, news.text)
	}
	if w.options.onChange != "" {
		err = errors.Join(err, notify.Run(ctx, w.options.onChange, news.text))
	}
	return err
}

// first tells of a sync with which nothing is compared.
func (w *watcher) first(now *review.Sync) error {
	if w.options.output == "json" {
		text, err := json.Marshal(w.message(nil, now))
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(w.app.Stdout, "%s\n", text)
		return err
	}
	return program.Say(w.app.Stdout, "%s: first sync %s: %s; nothing to compare it with\n",
		now.Run.EndedAt.UTC().Format(time.DateTime+" MST"), now.Run.ID, english.Plural(now.GrantCount(), "grant", ""))
}

// message is what programs are told of a sync.
type message struct {
	Event        string    `json:"event"`
	SyncID       string    `json:"sync_id"`
	PreviousSync string    `json:"previous_sync_id,omitempty"`
	Organization string    `json:"organization_id,omitempty"`
	Name         string    `json:"organization,omitempty"`
	Host         string    `json:"host,omitempty"`
	Archive      string    `json:"archive"`
	StartedAt    time.Time `json:"started_at"`
	EndedAt      time.Time `json:"ended_at"`
	Incremental  bool      `json:"incremental"`
	// Changes is how many there are, and Tables are those of the diff command.
	Changes int             `json:"changes"`
	Tables  json.RawMessage `json:"tables,omitempty"`
}

func (w *watcher) message(before, now *review.Sync) message {
	m := message{
		Event: "sync", SyncID: now.Run.ID, Organization: now.Run.Organization.ID, Name: now.Run.Organization.Name, Host: now.Run.Organization.Host,
		Archive: filepath.Base(w.cfg.Output.File), StartedAt: now.Run.StartedAt.UTC(), EndedAt: now.Run.EndedAt.UTC(), Incremental: now.Run.Basis.Incremental(),
	}
	if before != nil {
		m.PreviousSync = before.Run.ID
	}
	return m
}

// news are the changes of a sync, for programs and for people.
type news struct {
	text  []byte
	words string
	count int
}

func (w *watcher) news(ctx context.Context, before, now *review.Sync) (*news, error) {
	d, err := diff.Compare(ctx, before, now)
	if err != nil {
		return nil, err
	}
	shown := &tables.Diff{Diff: d, Older: tables.Of(before), Newer: tables.Of(now)}
	table := func(l tables.List) (sheet.Table, error) {
		t, _, err := l.CommandTable(ctx, search.Query{}, watchBatch)
		return t, err
	}
	counts, err := table(tables.ChangeCounts(shown))
	if err != nil {
		return nil, err
	}
	changes, err := table(tables.Changes(shown, true, true, true))
	if err != nil {
		return nil, err
	}
	m := w.message(before, now)
	n := &news{count: d.Count()}
	m.Changes = n.count
	var text bytes.Buffer
	if err := sheet.Write(&text, sheet.FormatJSON, sheet.Document{Many: true, Tables: []sheet.Table{counts, changes}}); err != nil {
		return nil, err
	}
	m.Tables = text.Bytes()
	if n.text, err = json.Marshal(m); err != nil {
		return nil, err
	}
	var words bytes.Buffer
	fmt.Fprintf(&words, "%s: %s since sync %s\n", now.Run.EndedAt.UTC().Format(time.DateTime+" MST"), english.Plural(n.count, "change", ""), before.Run.ID)
	if n.count > 0 {
		if changes, err = table(tables.Changes(shown, true, true, true)); err != nil {
			return nil, err
		}
		if err := sheet.Write(&words, sheet.FormatTable, sheet.Document{Tables: []sheet.Table{changes}}); err != nil {
			return nil, err
		}
	}
	n.words = strings.TrimRight(words.String(), "\n") + "\n"
	return n, nil
}

package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	"github.com/conductorone/baton-jumpcloud/internal/changerun"
	"github.com/conductorone/baton-jumpcloud/internal/cli/program"
	"github.com/conductorone/baton-jumpcloud/internal/config"
	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/console"
	"github.com/conductorone/baton-jumpcloud/internal/network"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// As by every Baton connector: how many events a run asks for at once, and how far back they
// are read where no start is given.
const (
	eventsPerPage = 100
	eventsBack    = 24 * time.Hour
)

// runEvents prints the events of a feed to its end, each as a line of JSON.
func runEvents(ctx context.Context, a *program.App, cfg *config.Config) error {
	var traffic network.Traffic
	return a.SingleRun(ctx, cfg, &traffic, func(c *console.Console, _ c1z.Limits) error {
		client, err := network.NewClient(cfg.JumpCloud, cfg.Sync.Workers, c.Log.Logger, &traffic)
		if err != nil {
			return err
		}
		source := connector.NewSource(client, connector.Options{OrgID: cfg.JumpCloud.OrgID, Logger: c.Log.Logger})
		feeds := changerun.NewFeeds(client, cfg, source.Validate, c.Log.Logger)
		start := cfg.Events.Start
		if start.IsZero() {
			start = time.Now().Add(-eventsBack)
		}
		req := &v2.ListEventsRequest{EventFeedId: cfg.Events.Feed, StartAt: timestamppb.New(start), Cursor: cfg.Events.Cursor, PageSize: eventsPerPage}
		total := 0
		for more := true; more; {
			page, err := feeds.ListEvents(ctx, req)
			if err != nil {
				return errors.Join(fmt.Errorf("read event feed: %w", err), tellCursor(c, cfg, req.GetCursor()))
			}
			for _, e := range page.GetEvents() {
				line, err := protojson.Marshal(e)
				if err != nil {
					return fmt.Errorf("encode event %s: %w", e.GetId(), err)
				}
				if err := program.Say(a.Stdout, "%s\n", line); err != nil {
					return err
				}
			}
			total += len(page.GetEvents())
			req.Cursor, more = page.GetCursor(), page.GetHasMore()
		}
		c.Log.InfoContext(ctx, "event feed was read to its end", "events", total)
		return tellCursor(c, cfg, req.GetCursor())
	})
}

// tellCursor says where the next run goes on. A log would redact it, as it cannot tell a
// cursor from a key.
func tellCursor(c *console.Console, cfg *config.Config, cursor string) error {
	if cursor == cfg.Events.Cursor {
		return nil
	}
	return program.Say(c.Screen, "to go on here: --event-feed-cursor=%s\n", cursor)
}

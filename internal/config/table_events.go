package config

import (
	"errors"
	"slices"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/restype"
)

// The names of the options that are about event feeds.
const (
	nameServeEventFeeds = "serve-event-feeds"
	nameEventFeed       = "event-feed"
	nameEventFeedID     = "event-feed-id"
	nameEventFeedStart  = "event-feed-start-at"
	nameEventFeedCursor = "event-feed-cursor"
)

func eventOptions() []Option {
	return []Option{
		{
			Name: nameServeEventFeeds, Reach: ReachData, Title: "Serve event feeds", Kind: Bool, Section: SectionService, Export: ExportGUI,
			Help: "Tell ConductorOne what changes and who signs in as it happens, from Directory Insights",
		},
		{Name: nameEventFeed, Reach: ReachMode, Section: SectionActions, Hidden: true, BoolText: true, Help: "Read an event feed (true or false)"},
		{Name: nameEventFeedID, Reach: ReachMode, Section: SectionActions, Hidden: true, Help: "Event feed to read"},
		{Name: nameEventFeedStart, Reach: ReachMode, Section: SectionActions, Hidden: true, Help: "Start time (RFC 3339) of the events to read (default: 24 hours ago)"},
		{Name: nameEventFeedCursor, Reach: ReachMode, Section: SectionActions, Hidden: true, Help: "Cursor to read events from"},
	}
}

// Events say what a single run reads of an event feed.
type Events struct {
	// Read says that events are read.
	Read bool
	// Feed is the feed; empty for the one of changes.
	Feed string
	// Start is when the events begin, unless there is a Cursor; zero where nothing says it.
	Start  time.Time
	Cursor string
}

// events are the settings of a run that reads events.
func (v values) events() (Events, error) {
	e := Events{Read: v.present(nameEventFeed), Feed: v.str(nameEventFeedID), Cursor: v.str(nameEventFeedCursor)}
	text := v.str(nameEventFeedStart)
	if text == "" {
		return e, nil
	}
	start, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return e, errors.New("value must be a time such as 2026-11-30T08:00:00Z")
	}
	e.Start = start
	return e, nil
}

// SyncedTypes are the resource types that these settings read.
func (c *Config) SyncedTypes() []string {
	types := restype.Synced(c.JumpCloud.Switches)
	if len(c.Sync.ResourceTypes) == 0 {
		return types
	}
	return slices.DeleteFunc(types, func(id string) bool { return !slices.Contains(c.Sync.ResourceTypes, id) })
}

package agent

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-jumpcloud/internal/agent/tasks"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// Connector is what the agent asks of a connector, besides syncs.
type Connector interface {
	tasks.Connector

	// GetMetadata describes the connector and its capabilities to ConductorOne.
	GetMetadata(context.Context, *v2.ConnectorServiceGetMetadataRequest) (*v2.ConnectorServiceGetMetadataResponse, error)
}

// Unserved is for a connector that lacks features to embed: it answers for them
// that there is nothing.
type Unserved = tasks.Unserved

// TaskID is the id of the task that a call of a [Connector] is for; "" for none.
func TaskID(ctx context.Context) string { return tasks.TaskID(ctx) }

// ErrInvariant is wrapped by an error of [Syncer] that says that what was read
// breaks a rule of the archive, so that trying again would end the same way.
var ErrInvariant = errors.New("the data violates a rule of the archive")

// A SyncRequest is what a full sync task asks for.
type SyncRequest struct {
	// TaskID is the task that the archive is for.
	TaskID string
	// Empty asks for a finished sync of nothing, with no request made.
	Empty bool
	// ResourceTypes restricts the sync to these type ids; empty means all.
	ResourceTypes []string
	// Targets restricts the sync to these resources and makes it partial.
	Targets []*v2.Resource
	// SkipEntitlementsAndGrants reads resources only.
	SkipEntitlementsAndGrants bool
	// SkipGrants leaves grants out.
	SkipGrants bool
	// SkipExpandGrants leaves out what grants follow from others.
	SkipExpandGrants bool
	// StorageEngine is that of the archive: "sqlite", "pebble", or empty for the
	// connector's own choice.
	StorageEngine string
	// Logger is to be used for the sync.
	Logger *slog.Logger
}

// An Archive is a finished sync as a file.
type Archive struct {
	// Path is the file to upload.
	Path string
	// Done is called once, when the agent is done with the file. uploaded says
	// whether ConductorOne has it; if not, the task will come again and may be
	// answered with the same file.
	Done func(uploaded bool) error
}

// Syncer makes archives. Sync is called for several tasks at once, and soon
// returns after its context ends, keeping what it has: a sync that is asked for
// again goes on where the last one stopped. An error carries a gRPC status where
// one is known.
type Syncer interface {
	Sync(context.Context, SyncRequest) (Archive, error)
}

// Metrics is told what happens. Its methods are safe for concurrent use and
// return at once.
type Metrics interface {
	// TaskDone counts a task that was carried out: its type, such as "grant", the
	// code of its result and how long it took.
	TaskDone(kind string, code codes.Code, took time.Duration)
	// PendingResults is how many results wait to be delivered now.
	PendingResults(n int)
}

// noMetrics is for an agent that nobody measures.
type noMetrics struct{}

func (noMetrics) TaskDone(string, codes.Code, time.Duration) {}
func (noMetrics) PendingResults(int)                         {}

package hostedsync

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/segmentio/ksuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// Options say what is synced, and where to.
type Options struct {
	// Conn leads to the services of the connector. Calls may be made side by side.
	Conn grpc.ClientConnInterface
	// Path is the archive to write, and WorkDir an existing folder for its build.
	Path, WorkDir string
	// Organization is what the archive says that it was read from.
	Organization c1z.Organization
	// ResourceTypes restricts the sync to these type ids; empty means all.
	ResourceTypes []string
	// Workers is how many lists are read side by side; below 1 means 1.
	Workers int
	// Attempts bounds how often a call is sent that the connector wants to be sent again;
	// 0 is no bound, as the public algorithm has none.
	Attempts int
	// Logger must not be nil.
	Logger *slog.Logger
}

// Summary is what a sync came to.
type Summary struct {
	SyncID    string
	Archive   c1z.Info
	Resources map[string]int // by type
	// Entitlements and Grants count those stored; Expanded the grants that follow from
	// others among them.
	Entitlements, Grants, Expanded int
	// Calls are all calls, Retried those among them that were sent again, and Enqueued the
	// pages that were read side by side.
	Calls, Retried, Enqueued int
	// Warnings are the lists that were skipped because the connector did not find their
	// resource. Dangling counts grants of principals that no list brought.
	Warnings []string
	Dangling int
}

// Run syncs the connector.
func Run(ctx context.Context, o Options) (Summary, error) {
	o.Workers = max(1, o.Workers)
	s := &sync{
		Options: o, rows: newRows(), children: map[string]bool{},
		connector: v2.NewConnectorServiceClient(o.Conn), resources: v2.NewResourcesServiceClient(o.Conn),
		entitlements: v2.NewEntitlementsServiceClient(o.Conn), grants: v2.NewGrantsServiceClient(o.Conn),
	}
	s.summary.SyncID = ksuid.New().String()
	err := s.run(ctx)
	return s.summary, err
}

// sync is a Run.
type sync struct {
	Options
	connector    v2.ConnectorServiceClient
	resources    v2.ResourcesServiceClient
	entitlements v2.EntitlementsServiceClient
	grants       v2.GrantsServiceClient

	activeSyncID string
	started      time.Time
	*rows
	children map[string]bool // lists of children that were scheduled
	actions  int             // that are complete
	calls    counters
	summary  Summary
}

func (s *sync) run(ctx context.Context) error {
	s.started = time.Now()
	validated, err := call(ctx, s, "validate", s.connector.Validate, new(v2.ConnectorServiceValidateRequest))
	if err != nil {
		return err
	}
	if takesSyncID(validated.GetSdkVersion()) {
		s.activeSyncID = s.summary.SyncID
	}
	if err := s.listTypes(ctx); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{s.listResources, s.listStatic, s.listEntitlements, s.listGrants} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	if s.summary.Expanded, err = s.expand(); err != nil {
		return err
	}
	if err := s.write(ctx); err != nil {
		return err
	}
	_, err = call(ctx, s, "clean up", s.connector.Cleanup, &v2.ConnectorServiceCleanupRequest{ActiveSyncId: s.activeSyncID})
	s.summary.Calls, s.summary.Retried = s.calls.all, s.calls.again
	return err
}

// takesSyncID reports whether a kit's version is at least 0.4.3, from which on calls name
// the sync.
func takesSyncID(version string) bool {
	text, ok := strings.CutPrefix(version, "v")
	text, _, _ = strings.Cut(text, "-")
	parts := strings.Split(text, ".")
	if !ok || len(parts) != 3 {
		return false
	}
	var numbers []int
	for _, p := range parts {
		n, err := strconv.Atoi(p)
		if err != nil {
			return false
		}
		numbers = append(numbers, n)
	}
	return slices.Compare(numbers, []int{0, 4, 3}) >= 0
}

const (
	retryStep = time.Second
	retryMost = time.Minute
)

// call makes a call, and repeats it for as long as the connector asks for that.
func call[Q, A any](ctx context.Context, s *sync, what string, rpc func(context.Context, Q, ...grpc.CallOption) (A, error), req Q) (A, error) {
	for attempt := 1; ; attempt++ {
		answer, err := rpc(ctx, req)
		code := status.Code(err)
		s.calls.add(attempt > 1)
		if err == nil {
			return answer, nil
		}
		if code != codes.Unavailable && code != codes.DeadlineExceeded || s.Attempts > 0 && attempt >= s.Attempts || ctx.Err() != nil {
			return answer, fmt.Errorf("%s: %w", what, err)
		}
		wait := pause(err, attempt, time.Now())
		s.Logger.WarnContext(ctx, "repeating a call", "call", what, "delay", wait, "error", err)
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return answer, context.Cause(ctx)
		}
	}
}

// pause is how long to wait before a call is repeated.
func pause(err error, attempt int, now time.Time) time.Duration {
	for _, d := range status.Convert(err).Details() {
		limit, ok := d.(*v2.RateLimitDescription)
		if !ok || limit.GetResetAt() == nil || !limit.GetResetAt().AsTime().After(now) {
			continue
		}
		left := limit.GetResetAt().AsTime().Sub(now)
		if limit.GetRemaining() <= 0 {
			return min(left, retryMost)
		}
		return time.Duration((int64(left/time.Second) + limit.GetRemaining()) / limit.GetRemaining() * int64(time.Second))
	}
	return min(time.Duration(attempt)*retryStep, retryMost)
}

// write writes the archive.
func (s *sync) write(ctx context.Context) (err error) {
	w, err := c1z.Create(ctx, c1z.Options{
		Path: s.Path, WorkDir: s.WorkDir, SyncID: s.summary.SyncID, StartedAt: s.started, Keep: c1z.KeepNone, Logger: s.Logger,
	})
	if err != nil {
		return err
	}
	err = errors.Join(
		w.PutResourceTypes(ctx, sorted(s.types)...), w.PutResources(ctx, sorted(s.stored)...),
		w.PutEntitlements(ctx, sorted(s.held)...), w.PutGrants(ctx, sorted(s.granted)...))
	if err != nil {
		return errors.Join(err, w.Abort())
	}
	s.summary.Archive, err = w.Finish(ctx, c1z.SyncRun{
		ID: s.summary.SyncID, Type: c1z.SyncFull, SupportsDiff: true, Organization: s.Organization,
	})
	s.summary.Resources = map[string]int{}
	for _, r := range s.stored {
		s.summary.Resources[r.GetId().GetResourceType()]++
	}
	s.summary.Entitlements, s.summary.Grants = len(s.held), len(s.granted)
	for _, g := range s.granted {
		if s.stored[key(g.GetPrincipal().GetId())] == nil {
			s.summary.Dangling++
		}
	}
	return err
}

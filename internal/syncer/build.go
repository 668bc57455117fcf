package syncer

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/conductorone/baton-jumpcloud/internal/expand"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// Archive takes the rows of a finished sync in their final order. The engine
// calls it from one goroutine at a time. An implementation may keep the messages,
// which share parts among each other, but must not change them; the slices are
// the engine's again when a call returns.
type Archive interface {
	PutResourceTypes(ctx context.Context, types ...*v2.ResourceType) error
	PutResources(ctx context.Context, resources ...*v2.Resource) error
	PutEntitlements(ctx context.Context, entitlements ...*v2.Entitlement) error
	PutGrants(ctx context.Context, grants ...*v2.Grant) error
}

// BuildConfig is what [Build] works with.
type BuildConfig struct {
	// Store was filled by [Run].
	Store Store
	// Archive takes the rows.
	Archive Archive
	// Expand are the settings of the expansion.
	Expand expand.Options
	// Unexpanded leaves out the grants that follow from others; whoever reads the
	// archive works them out.
	Unexpanded bool
	// Name, when set, tells the display name of a principal that a partial sync
	// has not stored; empty when unknown.
	Name func(ctx context.Context, ref Ref) (string, error)
	// Logger gets what an operator wants to know.
	Logger *slog.Logger
	// Progress, when set, is called now and then from one goroutine at a time.
	Progress func(Progress)
}

// Build streams a sync that is read to its end into an archive, in an order that
// depends on the data only: resource types by id; resources by type and id;
// entitlements by id; grants entitlement by entitlement (those that no grant
// flows into first, then by how many steps away from them, then by id) and
// within one by the principal's type and id. It sends no request, so that it can
// be repeated after a crash.
func Build(ctx context.Context, cfg BuildConfig) (Summary, error) {
	b := &builder{BuildConfig: cfg, meter: meter{tell: cfg.Progress}, start: time.Now()}
	err := b.run(ctx)
	if ctx.Err() != nil {
		return Summary{}, context.Cause(ctx)
	}
	if err != nil {
		return Summary{}, discardOn(ctx, cfg.Store, err)
	}
	return b.sum, nil
}

// putBatch is how many rows the archive gets at once.
const putBatch = 500

// builder is a Build.
type builder struct {
	BuildConfig
	meter meter
	start time.Time
	state State
	sum   Summary

	entitlements []EntitlementRow // without data, by id
	index        map[string]int   // of entitlements
	reader       *grantReader
}

func (b *builder) run(ctx context.Context) error {
	var err error
	if b.state, err = b.Store.State(ctx); err != nil {
		return err
	}
	if b.state.Phase != PhaseWriting {
		return fmt.Errorf("build the archive: the sync is not complete (%q)", b.state.Phase)
	}
	b.sum = newSummary(b.Store.Info(), b.state)
	b.sum.Expanded = b.sum.Expanded && !b.Unexpanded
	steps := []func(context.Context) error{
		b.Store.ClearSpill,
		func(ctx context.Context) error { return b.Archive.PutResourceTypes(ctx, b.state.ResourceTypes...) },
		b.putResources, b.putEntitlements, b.putGrants,
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return b.summarize(ctx)
}

func (b *builder) putResources(ctx context.Context) error {
	return inBatches(ctx, b.Store.Resources(ctx, false), b.Archive.PutResources, func(row ResourceRow) (*v2.Resource, error) {
		b.sum.Resources[row.Ref.Type]++
		r := &v2.Resource{}
		if err := proto.Unmarshal(row.Data, r); err != nil {
			return nil, fmt.Errorf("%s: %w", row.Ref, err)
		}
		return r, nil
	})
}

func (b *builder) putEntitlements(ctx context.Context) error {
	b.index = map[string]int{}
	return inBatches(ctx, b.Store.Entitlements(ctx), b.Archive.PutEntitlements, func(row EntitlementRow) (*v2.Entitlement, error) {
		if len(row.ResourceData) == 0 {
			return nil, &discardError{fmt.Errorf("entitlement %s is of %s, which was not read", row.ID, row.Resource)}
		}
		e, r := &v2.Entitlement{}, &v2.Resource{}
		if err := errors.Join(proto.Unmarshal(row.Data, e), proto.Unmarshal(row.ResourceData, r)); err != nil {
			return nil, fmt.Errorf("entitlement %s: %w", row.ID, err)
		}
		e.Resource = r
		b.sum.Entitlements[row.Resource.Type]++
		row.Data, row.ResourceData = nil, nil
		b.index[row.ID] = len(b.entitlements)
		b.entitlements = append(b.entitlements, row)
		return e, nil
	})
}

// inBatches hands rows, as messages, to the archive.
func inBatches[R, M any](ctx context.Context, rows iter.Seq2[R, error], put func(context.Context, ...M) error, message func(R) (M, error)) error {
	batch := make([]M, 0, putBatch)
	for row, err := range rows {
		if err != nil {
			return err
		}
		m, err := message(row)
		if err != nil {
			return err
		}
		if batch = append(batch, m); len(batch) == putBatch {
			if err := put(ctx, batch...); err != nil {
				return err
			}
			batch = batch[:0]
		}
	}
	if len(batch) == 0 {
		return nil
	}
	return put(ctx, batch...)
}

// putGrants expands the grants and streams them.
func (b *builder) putGrants(ctx context.Context) error {
	if !b.state.Scope.grants() {
		return nil
	}
	if id, found, err := b.Store.UnknownEntitlement(ctx); found || err != nil {
		if err == nil {
			err = &discardError{fmt.Errorf("grants name the entitlement %s, which was not read", id)}
		}
		return err
	}
	known, err := b.principals(ctx)
	if err != nil {
		return err
	}
	if b.reader, err = newGrantReader(ctx, b.Store, known, b.state); err != nil {
		return err
	}
	plan, err := b.plan(ctx)
	if err != nil {
		return err
	}
	return b.streamGrants(ctx, plan)
}

// principals numbers the principals; in a sync of some resources also those that
// are not stored.
func (b *builder) principals(ctx context.Context) (*principals, error) {
	known, err := readPrincipals(ctx, b.Store, nil)
	if err != nil || b.state.Scope.full() {
		return known, err
	}
	aliases, err := b.Store.Aliases(ctx)
	if err != nil {
		return nil, err
	}
	vanished, err := b.Store.Vanished(ctx)
	if err != nil {
		return nil, err
	}
	for _, v := range vanished {
		aliases[v] = v
	}
	unknown, err := unknownPrincipals(ctx, b.Store, known, func(r Ref) bool { _, ok := aliases[r]; return ok })
	if err != nil {
		return nil, err
	}
	others := make([]ResourceRow, len(unknown))
	for i, r := range unknown {
		others[i].Ref = r
		if b.Name == nil {
			continue
		}
		if others[i].Name, err = b.Name(ctx, r); err != nil {
			return nil, fmt.Errorf("name of %s: %w", r, err)
		}
	}
	return readPrincipals(ctx, b.Store, others)
}

// plan finds the order of the entitlements. A sync of some resources is not
// expanded, nor is one whose reader does it.
func (b *builder) plan(ctx context.Context) (*expand.Plan, error) {
	ids := make([]string, len(b.entitlements))
	for i, e := range b.entitlements {
		ids[i] = e.ID
	}
	graph := expand.NewGraph(ids)
	if b.state.Scope.full() && !b.Unexpanded {
		expandable, err := b.Store.Expandable(ctx)
		if err != nil {
			return nil, err
		}
		for _, id := range expandable {
			if err := b.addEdges(ctx, graph, id); err != nil {
				return nil, err
			}
		}
	}
	plan, err := graph.Plan(b.Expand)
	if err != nil {
		return nil, &discardError{fmt.Errorf("expand grants: %w", err)}
	}
	return plan, nil
}

// addEdges adds what flows into an entitlement.
func (b *builder) addEdges(ctx context.Context, graph *expand.Graph, entitlement string) error {
	set, err := b.reader.read(ctx, entitlement)
	if err != nil {
		return err
	}
	for _, g := range set.grants {
		common, err := g.pattern.grant()
		if err != nil {
			return fmt.Errorf("grants on %s: %w", entitlement, err)
		}
		at := find(common.GetAnnotations(), grantExpandable)
		if at < 0 {
			continue
		}
		var x v2.GrantExpandable
		if err := common.GetAnnotations()[at].UnmarshalTo(&x); err != nil {
			return fmt.Errorf("grants on %s: %w", entitlement, err)
		}
		principal := Ref{g.pattern.principalType, string(g.principal)}
		for _, source := range x.GetEntitlementIds() {
			i, ok := b.index[source]
			if !ok {
				b.sum.DroppedEdges++
				continue
			}
			if b.entitlements[i].Resource != principal {
				return &discardError{fmt.Errorf("expand grants on %s: source entitlement resource id did not match grant principal id: %s is of %s, not of %s",
					entitlement, source, b.entitlements[i].Resource, principal)}
			}
			graph.Add(source, entitlement, x.GetShallow(), x.GetResourceTypeIds())
		}
	}
	return nil
}

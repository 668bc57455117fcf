package syncer

import (
	"context"

	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/conductorone/baton-jumpcloud/internal/expand"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// grantRow holds the messages of one grant that are its own, so that a batch of
// grants is one allocation.
type grantRow struct {
	grant     v2.Grant
	principal v2.Resource
	id        v2.ResourceId
}

// grantBatch is what the archive gets at once.
type grantBatch struct {
	rows   []grantRow
	grants []*v2.Grant
	done   int64 // entitlements that are finished with it
}

// streamGrants makes the grants of one entitlement after the other and hands them
// to the archive, which works on one batch while the next is made.
func (b *builder) streamGrants(ctx context.Context, plan *expand.Plan) error {
	g, ctx := errgroup.WithContext(ctx)
	batches := make(chan grantBatch, 2)
	g.Go(func() error {
		defer close(batches)
		m := &grantMaker{builder: b, out: batches}
		return m.run(ctx, plan)
	})
	g.Go(func() error {
		var grants int64
		for batch := range batches {
			if len(batch.grants) > 0 {
				if err := b.Archive.PutGrants(ctx, batch.grants...); err != nil {
					return err
				}
			}
			grants += int64(len(batch.grants))
			b.meter.update(batch.done == int64(len(b.entitlements)), func() Progress {
				return Progress{Phase: PhaseWriting, Done: batch.done, Total: int64(len(b.entitlements)), Grants: grants}
			})
		}
		return nil
	})
	return g.Wait()
}

// grantMaker makes the messages.
type grantMaker struct {
	*builder
	out       chan<- grantBatch
	batch     grantBatch
	inherited []*anypb.Any // annotations of grants by expansion
}

func (m *grantMaker) run(ctx context.Context, plan *expand.Plan) error {
	var err error
	if m.inherited, err = expand.Annotations(); err != nil {
		return err
	}
	x := expand.New(plan, m.reader, m.Store)
	for _, id := range plan.Order() {
		if err := m.entitlement(ctx, x, id); err != nil {
			return err
		}
		m.batch.done++
	}
	return m.flush(ctx)
}

func (m *grantMaker) entitlement(ctx context.Context, x *expand.Expansion, id string) error {
	set, err := m.reader.read(ctx, id)
	if err != nil {
		return err
	}
	for reason, n := range set.dropped {
		m.sum.Dropped[reason] += n
	}
	annotations, err := m.annotations(ctx, id)
	if err != nil {
		return err
	}
	row := m.entitlements[m.index[id]]
	// What all grants on the entitlement embed: ids and display name, no profile.
	entitlement := &v2.Entitlement{Id: id, Resource: &v2.Resource{Id: row.Resource.id(), DisplayName: row.ResourceName}}
	for r, err := range x.Grants(ctx, id, set.stored) {
		if err != nil {
			return err
		}
		if err := m.add(ctx, entitlement, set, annotations, r); err != nil {
			return err
		}
		m.sum.Grants[row.Resource.Type]++
	}
	return nil
}

func (m *grantMaker) add(ctx context.Context, entitlement *v2.Entitlement, set *grantSet, annotations *GrantAnnotations, r expand.Row) error {
	if len(m.batch.rows) == cap(m.batch.rows) {
		if err := m.flush(ctx); err != nil {
			return err
		}
	}
	m.batch.rows = m.batch.rows[:len(m.batch.rows)+1]
	row := &m.batch.rows[len(m.batch.rows)-1]
	resourceType, id, name := m.reader.get(r.Principal)
	row.id.ResourceType, row.id.Resource = resourceType, id
	row.principal.Id, row.principal.DisplayName = &row.id, name
	row.grant.Entitlement, row.grant.Principal, row.grant.Sources = entitlement, &row.principal, r.Sources
	if r.Stored < 0 {
		row.grant.Id = expand.GrantID(entitlement.GetId(), resourceType, id)
		row.grant.Annotations = m.inherited
		m.sum.InheritedGrants++
	} else {
		g := set.grants[r.Stored]
		common, err := g.pattern.grant()
		if err != nil {
			return err
		}
		row.grant.Id = g.idFor(resourceType, id)
		row.grant.Annotations = common.GetAnnotations()
		m.sum.DirectGrants++
	}
	row.grant.Annotations = annotations.add(row.grant.GetAnnotations(), resourceType, id)
	m.sum.PrincipalGrants[resourceType]++
	m.batch.grants = append(m.batch.grants, &row.grant)
	return nil
}

// flush hands the batch to the archive and starts another.
func (m *grantMaker) flush(ctx context.Context) error {
	select {
	case m.out <- m.batch:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	m.batch = grantBatch{rows: make([]grantRow, 0, putBatch), grants: make([]*v2.Grant, 0, putBatch), done: m.batch.done}
	return nil
}

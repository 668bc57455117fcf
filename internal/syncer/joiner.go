package syncer

import (
	"context"
	"fmt"
	"iter"

	"google.golang.org/protobuf/proto"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// joiner implements [Joiner] over the transaction of a join.
type joiner struct {
	stage  *stager
	tx     JoinStore
	failed error // the first error of the Store
}

// fail remembers that the Store failed, so that its error is not taken for one of
// the data.
func (j *joiner) fail(err error) error {
	if j.failed == nil {
		j.failed = err
	}
	return err
}

func (j *joiner) Facts(ctx context.Context, kind string) iter.Seq2[Fact, error] {
	return func(yield func(Fact, error) bool) {
		for f, err := range j.tx.Facts(ctx, kind) {
			if !yield(f, j.fail(err)) {
				return
			}
		}
	}
}

func (j *joiner) Resources(ctx context.Context, resourceType string) iter.Seq2[*v2.Resource, error] {
	return func(yield func(*v2.Resource, error) bool) {
		for row, err := range j.tx.Resources(ctx, resourceType) {
			r := &v2.Resource{}
			if err == nil {
				err = proto.Unmarshal(row.Data, r)
			}
			if err != nil {
				yield(nil, j.fail(err))
				return
			}
			if !yield(r, nil) {
				return
			}
		}
	}
}

func (j *joiner) Put(ctx context.Context, resources ...*v2.Resource) error {
	rows, err := j.stage.resources(resources)
	if err != nil {
		return err
	}
	return j.fail(j.tx.Put(ctx, rows...))
}

func (j *joiner) Alias(ctx context.Context, from, to Ref) error {
	if from == to {
		return fmt.Errorf("%s cannot be joined to itself", from)
	}
	if j.stage.synced[to.Type] == nil {
		return nil // its grants are left out in any case
	}
	ok, err := j.tx.Has(ctx, to)
	if err != nil {
		return j.fail(err)
	}
	if !ok {
		return fmt.Errorf("%s cannot be joined to %s, which is not stored", from, to)
	}
	return j.fail(j.tx.Alias(ctx, from, to))
}

func (j *joiner) Holdings(ctx context.Context, resourceType string) iter.Seq2[Holding, error] {
	return func(yield func(Holding, error) bool) {
		for b, err := range j.tx.Blocks(ctx, resourceType) {
			if err != nil {
				yield(Holding{}, j.fail(err))
				return
			}
			for g, err := range unpack(b.Data) {
				if err != nil {
					yield(Holding{}, j.fail(fmt.Errorf("grants on %s: %w", b.Entitlement, err)))
					return
				}
				if !yield(Holding{b.Entitlement, b.Resource, Ref{g.pattern.principalType, string(g.principal)}}, nil) {
					return
				}
			}
		}
	}
}

func (j *joiner) PutGrants(ctx context.Context, grants ...*v2.Grant) error {
	b := &Batch{Counts: map[string]int64{}}
	if err := j.stage.grants(b, grants); err != nil {
		return err
	}
	return j.fail(j.tx.PutBlocks(ctx, b.Grants...))
}

func (j *joiner) AnnotateGrants(ctx context.Context, annotations ...GrantAnnotations) error {
	rows := make([]GrantAnnotationsRow, len(annotations))
	for i := range annotations {
		var err error
		if rows[i], err = annotations[i].pack(); err != nil {
			return fmt.Errorf("annotate grants on %s: %w", annotations[i].Entitlement, err)
		}
	}
	return j.fail(j.tx.AnnotateGrants(ctx, rows...))
}

func (j *joiner) Remark(ctx context.Context, remarks ...string) error {
	return j.fail(j.tx.Remark(ctx, remarks...))
}

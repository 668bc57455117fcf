package syncer

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/conductorone/baton-jumpcloud/internal/expand"
)

// grantReader reads the stored grants on one entitlement after the other, with
// principals by number. It implements expand.Input.
type grantReader struct {
	*principals
	rows     Rows
	aliases  map[Ref]Ref
	vanished map[Ref]bool
	absent   map[Ref]bool
	synced   map[string]bool
	full     bool
}

func newGrantReader(ctx context.Context, rows Rows, p *principals, st State) (*grantReader, error) {
	r := &grantReader{
		principals: p, rows: rows, vanished: map[Ref]bool{}, absent: map[Ref]bool{}, synced: map[string]bool{},
		full: st.Scope.full(),
	}
	for _, t := range st.ResourceTypes {
		r.synced[t.GetId()] = true
	}
	var err error
	if r.aliases, err = rows.Aliases(ctx); err != nil {
		return nil, err
	}
	vanished, err := rows.Vanished(ctx)
	if err != nil {
		return nil, err
	}
	for _, v := range vanished {
		r.vanished[v] = true
	}
	absent, err := rows.AbsentPrincipals(ctx)
	if err != nil {
		return nil, err
	}
	for _, a := range absent {
		r.absent[a] = true
	}
	return r, nil
}

// grantSet is the stored grants on one entitlement that stay, in the order of
// their principals and then of their ids.
type grantSet struct {
	stored  []expand.Stored
	grants  []storedGrant // one for each of stored
	dropped map[DropReason]int64
}

// storedGrant is a grant with what it was told of under.
type storedGrant struct {
	packedGrant
	number  uint32
	aliased bool
}

// read reads the grants on an entitlement. Of grants with one id the one that was
// stored last stays; one whose principal was joined into another gives way to the
// other's own.
func (r *grantReader) read(ctx context.Context, entitlement string) (*grantSet, error) {
	blocks, err := r.rows.Blocks(ctx, entitlement)
	if err != nil {
		return nil, err
	}
	n := 0
	for _, b := range blocks {
		n += b.Count
	}
	set := &grantSet{dropped: map[DropReason]int64{}}
	all := make([]storedGrant, 0, n)
	var seen map[Ref]bool // principals whose grants were dropped
	for _, b := range blocks {
		for g, err := range unpack(b.Data) {
			if err != nil {
				return nil, fmt.Errorf("grants on %s: %w", entitlement, err)
			}
			number, ok := r.number(g.pattern.principalType, g.principal)
			if ok {
				all = append(all, storedGrant{g, number, false})
				continue
			}
			from := Ref{g.pattern.principalType, string(g.principal)}
			number, reason, err := r.resolve(from)
			if err != nil {
				return nil, &discardError{fmt.Errorf("grants on %s: %w", entitlement, err)}
			}
			if reason == "" {
				all = append(all, storedGrant{g, number, true})
				continue
			}
			if !seen[from] {
				if seen == nil {
					seen = map[Ref]bool{}
				}
				seen[from] = true
				set.dropped[reason]++
			}
		}
	}
	r.sort(all)
	all = r.compact(all)
	set.grants = all
	set.stored = make([]expand.Stored, len(all))
	for i, g := range all {
		common, err := g.pattern.grant()
		if err != nil {
			return nil, fmt.Errorf("grants on %s: %w", entitlement, err)
		}
		set.stored[i] = expand.Stored{Principal: g.number, Sources: common.GetSources()}
	}
	return set, nil
}

// Direct implements expand.Input.
func (r *grantReader) Direct(ctx context.Context, entitlement string) ([]expand.Stored, error) {
	set, err := r.read(ctx, entitlement)
	if err != nil {
		return nil, err
	}
	return set.stored, nil
}

// resolve finds the number of a principal that is not stored under its own id, or
// the reason to drop its grants.
func (r *grantReader) resolve(p Ref) (uint32, DropReason, error) {
	for to, ok := r.aliases[p]; ok; to, ok = r.aliases[p] {
		p = to
	}
	n, ok := r.number(p.Type, []byte(p.ID))
	switch {
	case ok:
		return n, "", nil
	case r.vanished[p]:
		return 0, DropVanished, nil
	case r.absent[p]:
		return 0, DropNotFound, nil
	case r.full && !r.synced[p.Type]:
		return 0, DropLeftOut, nil
	}
	return 0, "", fmt.Errorf("principal %s is neither stored nor known to be absent", p)
}

// id is the id that a grant has in the archive: where its principal was joined
// into another, the id names the other.
func (r *grantReader) id(g storedGrant) string {
	resourceType, id, _ := r.get(g.number)
	return g.idFor(resourceType, id)
}

func (r *grantReader) sort(all []storedGrant) {
	slices.SortStableFunc(all, func(a, b storedGrant) int { return cmp.Compare(a.number, b.number) })
	for i := 0; i < len(all); {
		end := i + 1
		for end < len(all) && all[end].number == all[i].number {
			end++
		}
		if end-i > 1 {
			// The one that stays comes first.
			slices.Reverse(all[i:end])
			slices.SortStableFunc(all[i:end], func(a, b storedGrant) int {
				return cmp.Or(cmp.Compare(r.id(a), r.id(b)), compareBool(a.aliased, b.aliased))
			})
		}
		i = end
	}
}

// compact keeps the first of neighbors with one id.
func (r *grantReader) compact(all []storedGrant) []storedGrant {
	return slices.CompactFunc(all, func(a, b storedGrant) bool { return a.number == b.number && r.id(a) == r.id(b) })
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

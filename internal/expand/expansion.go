package expand

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"maps"
	"slices"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// Stored is a grant that the source told of.
type Stored struct {
	// Principal is its number.
	Principal uint32
	// Sources are those that the grant came with; nil makes it direct.
	Sources *v2.GrantSources
}

// Row is a grant of a finished entitlement.
type Row struct {
	// Principal is its number.
	Principal uint32
	// Stored is the position of the grant among the stored ones, or -1 for a grant
	// that exists by expansion alone.
	Stored int
	// Sources are those of the grant. Grants share them: they must not be changed.
	Sources *v2.GrantSources
}

// Input is what an expansion reads.
type Input interface {
	// Direct lists the stored grants on an entitlement in the order of their
	// principals.
	Direct(ctx context.Context, entitlement string) ([]Stored, error)
	// Span tells which principals are of a type: those from first to before end.
	Span(resourceType string) (first, end uint32)
}

// Spill keeps sets of principals that do not fit into the cache.
type Spill interface {
	Save(ctx context.Context, key string, value []byte) error
	Load(ctx context.Context, key string) ([]byte, error)
}

// Expansion yields the grants on entitlements. It is not safe for concurrent use.
type Expansion struct {
	plan  *Plan
	in    Input
	cache *cache
	spans map[string]span

	direct, indirect *v2.GrantSources_GrantSource
	shared           map[string]*v2.GrantSources // of the entitlement at work, by key
	key              []byte
}

type span struct{ first, end uint32 }

// maxShared bounds how many different sources one entitlement remembers.
const maxShared = 1 << 13

// New starts an expansion.
func New(plan *Plan, in Input, spill Spill) *Expansion {
	return &Expansion{
		plan: plan, in: in, cache: newCache(plan.opts.CacheBytes, spill), spans: map[string]span{},
		direct: &v2.GrantSources_GrantSource{IsDirect: true}, indirect: &v2.GrantSources_GrantSource{},
	}
}

// Grants yields the grants on an entitlement in the order of their principals,
// and those of one principal in the order of the stored ones. Entitlements are
// asked for in the order of [Plan.Order], each once and to its end, since later
// ones may need what is found. Stored is what [Input.Direct] lists.
func (x *Expansion) Grants(ctx context.Context, entitlement string, stored []Stored) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		e, ok := x.plan.index[entitlement]
		if !ok {
			yield(Row{}, fmt.Errorf("expand %s: not in the plan", entitlement))
			return
		}
		in, err := x.open(ctx, x.plan.inbound[x.plan.node[e]])
		if err != nil {
			yield(Row{}, fmt.Errorf("expand %s: %w", entitlement, err))
			return
		}
		x.shared = map[string]*v2.GrantSources{}
		var holders []uint32
		var from []arrival
		for i := 0; i < len(stored) || len(in) > 0; {
			var principal uint32
			switch {
			case len(in) == 0:
				principal = stored[i].Principal
			case i == len(stored):
				principal = in[0].principal()
			default:
				principal = min(stored[i].Principal, in[0].principal())
			}
			from = from[:0]
			for len(in) > 0 && in[0].principal() == principal {
				from = append(from, arrival{in[0].source, in[0].direct()})
				in = in.advance()
			}
			isDirect := false
			first := i
			for ; i < len(stored) && stored[i].Principal == principal; i++ {
				isDirect = isDirect || x.isDirect(entitlement, stored[i].Sources)
				if !yield(Row{principal, i, x.sources(entitlement, stored[i].Sources, true, from)}, nil) {
					return
				}
			}
			if i == first {
				if !yield(Row{principal, -1, x.sources(entitlement, nil, false, from)}, nil) {
					return
				}
			}
			if x.plan.feeds[e] {
				holders = append(holders, holder(principal, isDirect))
			}
		}
		if !x.plan.feeds[e] {
			return
		}
		if err := x.cache.put(ctx, e, holders, len(x.plan.inbound[x.plan.node[e]]) > 0); err != nil {
			yield(Row{}, fmt.Errorf("expand %s: %w", entitlement, err))
		}
	}
}

// isDirect reports whether a grant is direct: it has no sources, or its own
// entitlement is one of them.
func (x *Expansion) isDirect(entitlement string, sources *v2.GrantSources) bool {
	return len(sources.GetSources()) == 0 || sources.Sources[entitlement] != nil
}

// arrival is a grant of a principal on a source entitlement.
type arrival struct {
	source int
	direct bool
}

// sources adds what has arrived to a grant's sources. A grant without sources
// becomes a source of itself first.
func (x *Expansion) sources(entitlement string, before *v2.GrantSources, isStored bool, from []arrival) *v2.GrantSources {
	if len(from) == 0 {
		return before
	}
	if len(before.GetSources()) > 0 {
		sources := make(map[string]*v2.GrantSources_GrantSource, len(before.Sources)+len(from))
		maps.Copy(sources, before.Sources)
		for _, a := range from {
			if id := x.plan.ids[a.source]; a.direct || !sources[id].GetIsDirect() {
				sources[id] = x.source(a.direct)
			}
		}
		return &v2.GrantSources{Sources: sources}
	}
	x.key = x.key[:0]
	if isStored {
		x.key = append(x.key, 1)
	} else {
		x.key = append(x.key, 0)
	}
	for _, a := range from {
		x.key = binary.AppendUvarint(x.key, uint64(holder(uint32(a.source), a.direct))) //nolint:gosec // Sources are numbers of entitlements, far below 2^32.
	}
	if s := x.shared[string(x.key)]; s != nil {
		return s
	}
	sources := make(map[string]*v2.GrantSources_GrantSource, len(from)+1)
	if isStored {
		sources[entitlement] = x.direct
	}
	for _, a := range from {
		sources[x.plan.ids[a.source]] = x.source(a.direct)
	}
	if len(x.shared) >= maxShared {
		clear(x.shared)
	}
	s := &v2.GrantSources{Sources: sources}
	x.shared[string(x.key)] = s
	return s
}

func (x *Expansion) source(direct bool) *v2.GrantSources_GrantSource {
	if direct {
		return x.direct
	}
	return x.indirect
}

// open starts to merge what flows into a node.
func (x *Expansion) open(ctx context.Context, in []inflow) (flows, error) {
	all := make(flows, 0, len(in))
	for _, f := range in {
		if err := ctx.Err(); err != nil {
			return nil, context.Cause(ctx)
		}
		holders, err := x.holders(ctx, f.source)
		if err != nil {
			return nil, err
		}
		fl := flow{source: f.source, rest: holders, ranges: x.ranges(f.filters)}
		if fl.next() {
			all = append(all, fl)
		}
	}
	slices.SortFunc(all, func(a, b flow) int {
		return cmp.Or(cmp.Compare(a.principal(), b.principal()), cmp.Compare(a.source, b.source))
	})
	return all, nil
}

// holders lists the holders of an entitlement that is finished.
func (x *Expansion) holders(ctx context.Context, e int) ([]uint32, error) {
	computed := len(x.plan.inbound[x.plan.node[e]]) > 0
	holders, found, err := x.cache.get(ctx, e, computed)
	if found || err != nil {
		return holders, err
	}
	stored, err := x.in.Direct(ctx, x.plan.ids[e])
	if err != nil {
		return nil, err
	}
	holders = make([]uint32, 0, len(stored))
	for i := 0; i < len(stored); {
		p, isDirect := stored[i].Principal, false
		for ; i < len(stored) && stored[i].Principal == p; i++ {
			isDirect = isDirect || x.isDirect(x.plan.ids[e], stored[i].Sources)
		}
		holders = append(holders, holder(p, isDirect))
	}
	return holders, x.cache.put(ctx, e, holders, false)
}

// ranges turns filters into ranges of principals; nil selects all.
func (x *Expansion) ranges(filters []filter) []principalRange {
	var ranges []principalRange
	for _, f := range filters {
		types := f.typeIDs()
		if len(types) == 0 {
			if !f.shallow {
				return nil
			}
			ranges = append(ranges, principalRange{span: span{0, 1 << 31}, shallow: true})
		}
		for _, t := range types {
			s, ok := x.spans[t]
			if !ok {
				s.first, s.end = x.in.Span(t)
				x.spans[t] = s
			}
			ranges = append(ranges, principalRange{s, f.shallow})
		}
	}
	return ranges
}

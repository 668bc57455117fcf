package syncer

import (
	"cmp"
	"context"
	"slices"
)

// principals numbers the resources that can hold grants in the order in which the
// archive wants grants: by type, then by id. It does not change once it is made.
type principals struct {
	types []principalType // by id
	names []string        // display names, by number
}

type principalType struct {
	id    string
	first uint32
	ids   []string
	index map[string]uint32
}

// readPrincipals numbers the resources of the store and others that are not in it.
func readPrincipals(ctx context.Context, rows Rows, others []ResourceRow) (*principals, error) {
	p := &principals{}
	slices.SortFunc(others, func(a, b ResourceRow) int { return a.Ref.compare(b.Ref) })
	for row, err := range rows.Resources(ctx, true) {
		if err != nil {
			return nil, err
		}
		for len(others) > 0 && others[0].Ref.compare(row.Ref) < 0 {
			p.add(others[0])
			others = others[1:]
		}
		p.add(row)
	}
	for _, row := range others {
		p.add(row)
	}
	return p, nil
}

// add appends a principal; they come in order.
func (p *principals) add(row ResourceRow) {
	n := uint32(len(p.names)) //nolint:gosec // far fewer than 1<<31.
	if len(p.types) == 0 || p.types[len(p.types)-1].id != row.Ref.Type {
		p.types = append(p.types, principalType{id: row.Ref.Type, first: n, index: map[string]uint32{}})
	}
	t := &p.types[len(p.types)-1]
	t.ids = append(t.ids, row.Ref.ID)
	t.index[row.Ref.ID] = n
	p.names = append(p.names, row.Name)
}

// number finds a principal.
func (p *principals) number(resourceType string, id []byte) (uint32, bool) {
	for i := range p.types {
		if p.types[i].id == resourceType {
			n, ok := p.types[i].index[string(id)]
			return n, ok
		}
	}
	return 0, false
}

// get returns a principal by its number.
func (p *principals) get(n uint32) (resourceType, id, name string) {
	i := len(p.types) - 1
	for p.types[i].first > n {
		i--
	}
	return p.types[i].id, p.types[i].ids[n-p.types[i].first], p.names[n]
}

// Span implements expand.Input.
func (p *principals) Span(resourceType string) (first, end uint32) {
	for _, t := range p.types {
		if t.id == resourceType {
			return t.first, t.first + uint32(len(t.ids)) //nolint:gosec // far fewer than 1<<31.
		}
	}
	return 0, 0
}

func (r Ref) compare(o Ref) int {
	return cmp.Or(cmp.Compare(r.Type, o.Type), cmp.Compare(r.ID, o.ID))
}

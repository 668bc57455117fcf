package syncer

import (
	"cmp"
	"context"
	"hash/maphash"
	"slices"
	"strings"
)

// principals numbers the resources that can hold grants in the order in which the
// archive wants grants: by type, then by id. It does not change once it is made.
//
// There may be hundreds of thousands, so that their texts lie in two strings, which
// the garbage collector need not look into, and ids are found over tables of
// numbers.
type principals struct {
	types       []principalType // by id
	ids, names  string          // of all principals, one after the other
	idEnds      []uint32        // by number: where it ends in ids
	nameEnds    []uint32
	seed        maphash.Seed
	idText      strings.Builder // until they are complete
	displayText strings.Builder
}

// principalType is the principals of one type.
type principalType struct {
	id         string
	first, end uint32
	table      []uint32 // by hash of the id, open addressing: number + 1, or 0
}

// readPrincipals numbers the resources of the store and others that are not in it.
func readPrincipals(ctx context.Context, rows Rows, others []ResourceRow) (*principals, error) {
	p := &principals{seed: maphash.MakeSeed()}
	slices.SortFunc(others, func(a, b ResourceRow) int { return a.Ref.Compare(b.Ref) })
	for row, err := range rows.Resources(ctx, true) {
		if err != nil {
			return nil, err
		}
		for len(others) > 0 && others[0].Ref.Compare(row.Ref) < 0 {
			p.add(others[0])
			others = others[1:]
		}
		p.add(row)
	}
	for _, row := range others {
		p.add(row)
	}
	p.finish()
	return p, nil
}

// add appends a principal; they come in order.
func (p *principals) add(row ResourceRow) {
	n := uint32(len(p.idEnds)) //nolint:gosec // Memory ends before 2^32 principals.
	if len(p.types) == 0 || p.types[len(p.types)-1].id != row.Ref.Type {
		p.types = append(p.types, principalType{id: row.Ref.Type, first: n})
	}
	p.types[len(p.types)-1].end = n + 1
	p.idText.WriteString(row.Ref.ID)
	p.displayText.WriteString(row.Name)
	p.idEnds = append(p.idEnds, uint32(p.idText.Len()))          //nolint:gosec // Memory ends before 4 GiB of ids.
	p.nameEnds = append(p.nameEnds, uint32(p.displayText.Len())) //nolint:gosec // Memory ends before 4 GiB of names.
}

// finish makes the tables.
func (p *principals) finish() {
	p.ids, p.names = p.idText.String(), p.displayText.String()
	for i := range p.types {
		t := &p.types[i]
		size := 8
		for size < int(t.end-t.first)*3/2 {
			size *= 2
		}
		t.table = make([]uint32, size)
		for n := t.first; n < t.end; n++ {
			slot := maphash.String(p.seed, p.id(n))
			for t.table[slot&uint64(size-1)] != 0 { //nolint:gosec // A size is above zero.
				slot++
			}
			t.table[slot&uint64(size-1)] = n + 1 //nolint:gosec // A size is above zero.
		}
	}
}

func (p *principals) id(n uint32) string   { return cut(p.ids, p.idEnds, n) }
func (p *principals) name(n uint32) string { return cut(p.names, p.nameEnds, n) }

// cut is the n-th of the texts that lie one after the other.
func cut(text string, ends []uint32, n uint32) string {
	if n == 0 {
		return text[:ends[0]]
	}
	return text[ends[n-1]:ends[n]]
}

// number finds a principal.
func (p *principals) number(resourceType string, id []byte) (uint32, bool) {
	for i := range p.types {
		t := &p.types[i]
		if t.id != resourceType {
			continue
		}
		mask := uint64(len(t.table) - 1) //nolint:gosec // A table has entries.
		for slot := maphash.Bytes(p.seed, id); ; slot++ {
			switch n := t.table[slot&mask]; {
			case n == 0:
				return 0, false
			case p.id(n-1) == string(id):
				return n - 1, true
			}
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
	return p.types[i].id, p.id(n), p.name(n)
}

// Span implements expand.Input.
func (p *principals) Span(resourceType string) (first, end uint32) {
	for _, t := range p.types {
		if t.id == resourceType {
			return t.first, t.end
		}
	}
	return 0, 0
}

// Compare orders resources by type and id.
func (r Ref) Compare(o Ref) int {
	return cmp.Or(cmp.Compare(r.Type, o.Type), cmp.Compare(r.ID, o.ID))
}

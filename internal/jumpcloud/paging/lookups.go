package paging

import (
	"context"
	"fmt"
	"slices"
)

const (
	// lookupsAtOnce is how many candidates one token looks up.
	lookupsAtOnce = 20
	// maxLookups bounds how many candidates are looked up for one list.
	maxLookups = 1000
)

// lookUps proves parts that no other way proves: everything that could be a row and
// was on no page is looked up by itself. Why is what speaks against the latest
// reading.
func (s listSpec) lookUps(receipts []receipt, parts []int, why string, readings int) ([]cursor, error) {
	var next []cursor
	for _, part := range parts {
		open, reason := s.lookUpPart(part, receipts)
		if reason != "" {
			if readings > 1 {
				why = fmt.Sprintf("%s, in each of %d readings", why, readings)
			}
			if s.parts[part].candidates > 0 {
				why += ", and " + reason
			}
			return nil, s.incomplete(why)
		}
		next = append(next, open...)
	}
	return next, nil
}

// lookUpPart names the pages and look-ups that are missing, none where everything was
// looked up, or says why that is not done.
func (s listSpec) lookUpPart(part int, receipts []receipt) (next []cursor, reason string) {
	limit := s.parts[part].candidates
	if limit == 0 {
		return nil, "it cannot be looked up"
	}
	candidates := of(receipts, part, candidateStart, candidateWindow)
	o := ordered{listSpec: s, start: candidateStart, window: candidateWindow, part: part, overlap: 1}
	switch {
	case len(candidates) == 0:
		return []cursor{{kind: o.start, part: part, limit: limit}}, ""
	case slices.ContainsFunc(candidates, receipt.isWhole):
	case slices.ContainsFunc(candidates, func(n receipt) bool { return !n.Ascending }):
		return nil, "what could be in it is listed in no order"
	default:
		next, err := o.settle(candidates, o.sumUp(candidates))
		if err != nil {
			return nil, "what could be in it was not listed completely"
		}
		if len(next) > 0 {
			return next, ""
		}
	}
	known := make(map[uint64]struct{})
	batch := 0
	for _, n := range receipts {
		if n.Part == part && n.Kind == lookups {
			batch++
			for h := range n.hashes {
				known[h] = struct{}{}
			}
		}
		for h := range n.rowHashes {
			known[h] = struct{}{}
		}
	}
	var rest []string
	for _, n := range candidates {
		for _, name := range n.Names {
			if _, ok := known[hashID(name)]; !ok {
				known[hashID(name)] = struct{}{}
				rest = append(rest, name)
			}
		}
	}
	if len(rest) > maxLookups {
		return nil, fmt.Sprintf("%d rows would have to be looked up one by one, more than %d", len(rest), maxLookups)
	}
	slices.Sort(rest)
	for ids := range slices.Chunk(rest, lookupsAtOnce) {
		next = append(next, cursor{kind: lookups, part: part, skip: batch, limit: lookupsAtOnce, ids: joinIDs(ids)})
		batch++
	}
	return next, ""
}

// lookUp looks the candidates of a cursor up.
func (l Lister[T]) lookUp(ctx context.Context, t cursor) (ListPage[T], error) {
	ids, err := splitIDs(t.ids)
	if err != nil {
		return ListPage[T]{}, fmt.Errorf("%s: invalid page token %q", l.Name, t)
	}
	n := newReceipt(t, ids, len(ids), 0, -1, "")
	n.Found = true
	var page ListPage[T]
	for _, id := range ids {
		row, found, err := l.Parts[t.part].Lookup(ctx, id)
		if err != nil {
			return ListPage[T]{}, err
		}
		if found {
			page.Items = append(page.Items, row)
			n.Names = append(n.Names, id)
		}
	}
	page.Receipt = n.encode()
	return page, nil
}

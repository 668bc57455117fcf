package jcsim

import (
	"slices"
	"strings"
	"sync"

	"github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud/query"
)

// object is anything that a list or the graph can hold.
type object interface {
	comparable
	ident() string
}

// collection keeps the objects of one kind in the order in which they were
// made, which is the order of a list that is not sorted, and in the order of
// their ids. Both are kept while editing, so that a page costs what it holds.
// Reads may run side by side under the tenant's read lock.
type collection[N object] struct {
	natural []N
	byID    []N
	index   map[string]N

	mu     sync.Mutex
	sorted map[string][]N // other orders, made when first asked for
}

func newCollection[N object]() *collection[N] {
	return &collection[N]{index: map[string]N{}}
}

func byIdent[N object](a, b N) int { return strings.Compare(a.ident(), b.ident()) }

// add takes in an object. One that is not listed can be found by its id only.
// Between bulk adds the order by id is not kept: call finish at their end.
func (c *collection[N]) add(n N, listed, bulk bool) {
	c.index[n.ident()] = n
	if !listed {
		return
	}
	c.natural = append(c.natural, n)
	if bulk {
		return
	}
	at, _ := slices.BinarySearchFunc(c.byID, n, byIdent)
	c.byID = slices.Insert(c.byID, at, n)
	c.changed()
}

// finish ends a series of bulk adds.
func (c *collection[N]) finish() {
	c.byID = slices.Clone(c.natural)
	slices.SortFunc(c.byID, byIdent)
	c.changed()
}

// remove takes an object out.
func (c *collection[N]) remove(n N) {
	delete(c.index, n.ident())
	c.unlist(n)
}

// unlist takes an object out of the lists only.
func (c *collection[N]) unlist(n N) {
	c.natural = without(c.natural, n)
	if at, ok := slices.BinarySearchFunc(c.byID, n, byIdent); ok {
		c.byID = slices.Delete(c.byID, at, at+1)
	}
	c.changed()
}

// relist puts an object that can be found by its id back into the lists.
func (c *collection[N]) relist(n N) { c.add(n, true, false) }

// changed forgets the orders that an edit may have spoiled.
func (c *collection[N]) changed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sorted = nil
}

// ordered returns the objects in an order; the zero order is the natural one.
// The caller must not change the slice.
func (c *collection[N]) ordered(table *query.Table[N], order query.Order) []N {
	switch order.Name {
	case "":
		return c.natural
	case "_id", "id":
		return c.byID
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if list, ok := c.sorted[order.Name]; ok {
		return list
	}
	list := slices.Clone(c.natural)
	slices.SortStableFunc(list, table.Compare(order))
	if c.sorted == nil {
		c.sorted = map[string][]N{}
	}
	c.sorted[order.Name] = list
	return list
}

// without removes the first n of a list, keeping the order of the others.
func without[N comparable](list []N, n N) []N {
	if i := slices.Index(list, n); i >= 0 {
		return slices.Delete(list, i, i+1)
	}
	return list
}

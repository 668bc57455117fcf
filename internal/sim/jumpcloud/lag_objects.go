package jcsim

import (
	"slices"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud/query"
)

// lateObject is an object of which reads show an earlier state.
type lateObject struct {
	id    string
	was   any // a node as it was; nil where there was none
	kind  any // a nil node of the kind
	reads int
	until time.Time
}

// replaced takes in that an object was changed or deleted. was is a copy of its node.
func (l *lagState) replaced(c *call, was anyNode) { l.lateObject(c, was.ident(), was, was) }

// created takes in a new object.
func (l *lagState) created(c *call, n anyNode) { l.lateObject(c, n.ident(), nil, n) }

// anyNode is a node of any kind.
type anyNode interface{ ident() string }

func (l *lagState) lateObject(c *call, id string, was, kind any) {
	if !c.cfg.LagObjects || c.cfg.LagReads <= 0 && c.cfg.LagTime <= 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.objects = append(l.objects, &lateObject{
		id: id, was: was, kind: kind, reads: c.cfg.LagReads, until: time.Now().Add(c.cfg.LagTime),
	})
}

// forgetObjects forgets the writes that show.
func (l *lagState) forgetObjects(now time.Time) {
	l.objects = slices.DeleteFunc(l.objects, func(o *lateObject) bool { return o.reads <= 0 && !now.Before(o.until) })
}

// shownAs are the nodes of one kind that reads show instead of others, by id: the
// zero node where they show none.
func shownAs[N object](c *call, counted func(id string) bool) map[string]N {
	l := &c.s.lag
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.objects) == 0 {
		return nil
	}
	l.forgetObjects(time.Now())
	var shown map[string]N
	for _, o := range l.objects {
		if _, ok := o.kind.(N); !ok || !counted(o.id) {
			continue
		}
		c.late = append(c.late, o)
		if _, ok := shown[o.id]; ok {
			continue // The oldest write that is late decides.
		}
		if shown == nil {
			shown = map[string]N{}
		}
		var none N
		shown[o.id] = none
		if was, ok := o.was.(N); ok {
			shown[o.id] = was
		}
	}
	return shown
}

// find is the object of an id as reads show it.
func find[N object](c *call, col *collection[N], id string) (N, bool) {
	var none N
	if was, late := shownAs[N](c, func(other string) bool { return other == id })[id]; late {
		return was, was != none
	}
	n, ok := col.index[id]
	return n, ok
}

// listed are the objects of a collection in an order, as reads show them.
func listed[N object](c *call, col *collection[N], table *query.Table[N], order query.Order) []N {
	shown := shownAs[N](c, func(string) bool { return true })
	if len(shown) == 0 {
		return col.ordered(table, order)
	}
	var none N
	var list []N
	for _, n := range col.natural {
		was, late := shown[n.ident()]
		switch {
		case !late:
			list = append(list, n)
		case was != none:
			list = append(list, was)
		}
		delete(shown, n.ident())
	}
	for _, was := range shown {
		if was != none {
			list = append(list, was) // deleted since
		}
	}
	slices.SortFunc(list, byIdent)
	if order.Name != "" {
		slices.SortStableFunc(list, table.Compare(order))
	}
	return list
}

package jcsim

import (
	"slices"
	"sync"
	"time"
)

// lagged is a write that reads do not show yet. The tenant has it already, so
// that a second write of the same is refused as the first one's repetition.
type lagged struct {
	app   *appNode   // nil for a membership
	bound *boundNode // nil for what is no binding
	group *groupNode
	user  *userNode
	added bool
	reads int // how many more reads do not show it
	until time.Time
}

// undo is a write to a dynamic group that its rule will take back.
type undo struct {
	group *groupNode
	user  *userNode
	reads int // how many more reads show the write
}

// lagState holds writes that reads do not show yet, and writes to be undone.
type lagState struct {
	mu      sync.Mutex
	late    []*lagged
	objects []*lateObject
	undos   []*undo
}

// wrote takes in a write, if the settings make it late.
func (l *lagState) wrote(c *call, w *lagged) {
	if c.cfg.LagReads <= 0 && c.cfg.LagTime <= 0 {
		return
	}
	w.reads, w.until = c.cfg.LagReads, time.Now().Add(c.cfg.LagTime)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.late = append(l.late, w)
}

// quiet reports whether reads show everything.
func (l *lagState) quiet() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.late) == 0
}

// wasRead counts a read for the late writes that it did not show, and forgets
// those that the next read shows.
func (l *lagState) wasRead(c *call) {
	if len(c.reads) == 0 && len(c.late) == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, o := range c.late {
		o.reads--
	}
	l.forgetObjects(time.Now())
	slices.SortFunc(c.reads, func(a, b *lagged) int { return slices.Index(l.late, a) - slices.Index(l.late, b) })
	for _, w := range slices.Compact(c.reads) {
		w.reads--
	}
	l.forget(time.Now())
}

func (l *lagState) forget(now time.Time) {
	l.late = slices.DeleteFunc(l.late, func(w *lagged) bool { return w.reads <= 0 && !now.Before(w.until) })
}

// view is a list of edges as reads show it: without the late writes of those
// that concern it, the newest undone first.
func view[N comparable](c *call, now []N, concerns func(*lagged) (N, bool)) []N {
	l := &c.s.lag
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.late) == 0 {
		return now
	}
	l.forget(time.Now())
	owned := false
	for _, w := range slices.Backward(l.late) {
		n, ok := concerns(w)
		if !ok {
			continue
		}
		c.reads = append(c.reads, w)
		if !owned {
			now, owned = slices.Clone(now), true
		}
		if w.added {
			now = without(now, n)
		} else {
			now = append(now, n)
		}
	}
	return now
}

func (c *call) members(g *groupNode) []*userNode {
	return view(c, g.members, func(w *lagged) (*userNode, bool) { return w.user, w.app == nil && w.bound == nil && w.group == g })
}

func (c *call) groupsOf(u *userNode) []*groupNode {
	return view(c, u.groups, func(w *lagged) (*groupNode, bool) { return w.group, w.app == nil && w.bound == nil && w.user == u })
}

func (c *call) appUsers(n *appNode) []*userNode {
	return view(c, n.users, func(w *lagged) (*userNode, bool) { return w.user, w.app == n && w.user != nil })
}

func (c *call) appGroups(n *appNode) []*groupNode {
	return view(c, n.groups, func(w *lagged) (*groupNode, bool) { return w.group, w.app == n && w.group != nil })
}

func (c *call) appsOfUser(u *userNode) []*appNode {
	return view(c, u.apps, func(w *lagged) (*appNode, bool) { return w.app, w.app != nil && w.user == u })
}

func (c *call) appsOfGroup(g *groupNode) []*appNode {
	return view(c, g.apps, func(w *lagged) (*appNode, bool) { return w.app, w.app != nil && w.group == g })
}

// undoLater notes that the rule of a group will take a write back, if the
// settings say so.
func (l *lagState) undoLater(c *call, g *groupNode, u *userNode) {
	if !c.cfg.UndoDynamic || !g.ruled() {
		return
	}
	if c.cfg.UndoAfterReads <= 0 {
		c.t.assess(g, u)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.undos = append(l.undos, &undo{group: g, user: u, reads: c.cfg.UndoAfterReads})
}

// undoDue takes back, ahead of a read of a group's members, the writes that have
// been shown often enough.
func (l *lagState) undoDue(c *call) {
	if c.route != "GET /api/v2/usergroups/{id}/members" && c.route != "GET /api/v2/usergroups/{id}/membership" {
		return
	}
	id := c.r.PathValue("id")
	l.mu.Lock()
	var due []*undo
	l.undos = slices.DeleteFunc(l.undos, func(u *undo) bool {
		if u.group.id != id {
			return false
		}
		u.reads--
		if u.reads < 0 {
			due = append(due, u)
		}
		return u.reads < 0
	})
	l.mu.Unlock()
	if len(due) == 0 {
		return
	}
	c.t.mu.Lock()
	defer c.t.mu.Unlock()
	for _, u := range due {
		c.t.assess(u.group, u.user)
	}
}

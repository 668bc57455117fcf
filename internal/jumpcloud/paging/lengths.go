package paging

import (
	"crypto/rand"
	"slices"
	"sync"
)

// Lengths remember how long pages of a route have been in one run, and when, which shows
// the limit that the server obeyed at least. They say nothing of pages that another run
// read: the server may have changed meanwhile. It may do so within a run, too, when nodes
// of another version take over, so that a page is proven by one that was read before it
// and one that was read after it. They are safe for concurrent use.
type Lengths struct {
	run string

	mu   sync.Mutex
	now  int64        // counts the pages that began and ended
	rise []lengthSeen // the first pages that were as long, the shortest first; at is when they ended
	fall []lengthSeen // the last pages that were as long, the longest first; at is when they began
}

// lengthSeen is how many rows of one list a page showed at a time.
type lengthSeen struct {
	rows int
	at   int64
}

// NewLengths begins a run, of which nothing is known yet.
func NewLengths() *Lengths { return &Lengths{run: rand.Text()[:8]} }

// begin is the time at which a page begins to be read; 0 where nobody remembers.
func (l *Lengths) begin() int64 {
	if l == nil {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now++
	return l.now
}

// note takes notice of a page with so many rows of one list that began to be read at a
// time, and returns the time at which it ended.
func (l *Lengths) note(rows int, begun int64) int64 {
	if l == nil {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now++
	if n := len(l.rise); n == 0 || l.rise[n-1].rows < rows {
		l.rise = append(l.rise, lengthSeen{rows, l.now})
	}
	if !slices.ContainsFunc(l.fall, func(s lengthSeen) bool { return s.rows >= rows && s.at >= begun }) {
		l.fall = slices.DeleteFunc(l.fall, func(s lengthSeen) bool { return s.rows <= rows && s.at <= begun })
		i, _ := slices.BinarySearchFunc(l.fall, begun, func(s lengthSeen, at int64) int { return int(s.at - at) })
		l.fall = slices.Insert(l.fall, i, lengthSeen{rows, begun})
	}
	return l.now
}

// around is how many rows at least pages before and after a time showed, which is 0 where
// there was none.
func (l *Lengths) around(begun, ended int64) int {
	if l == nil {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	before, after := 0, 0
	for _, s := range l.rise {
		if s.at < begun {
			before = max(before, s.rows)
		}
	}
	for _, s := range l.fall {
		if s.at > ended {
			after = max(after, s.rows)
		}
	}
	return min(before, after)
}

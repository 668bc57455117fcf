package jcsim

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// Stats is what a server has counted since it was made or since
// [Server.ResetCounts].
type Stats struct {
	// Requests counts all requests, Refused those that the rate limit refused.
	Requests int `json:"requests"`
	Refused  int `json:"refused"`
	// InFlight is how many requests are under way, MaxInFlight how many were at
	// most.
	InFlight    int `json:"inFlight"`
	MaxInFlight int `json:"maxInFlight"`
	// Bytes counts bytes of bodies, before compression.
	Bytes int64 `json:"bytes"`
	// Routes counts by route pattern, such as
	// "GET /api/v2/usergroups/{id}/members".
	Routes map[string]RouteStats `json:"routes"`
	// Faults counts by the name of the fault.
	Faults map[string]int `json:"faults,omitempty"`
	// Problems are edits of faults that failed, for the author of the fault.
	Problems []string `json:"problems,omitempty"`
}

// RouteStats counts the requests of one route.
type RouteStats struct {
	Requests int `json:"requests"`
	// Status counts by status; 0 stands for a connection that was dropped and for
	// a client that went away.
	Status map[int]int `json:"status"`
}

// Record is one request in a server's log.
type Record struct {
	N      int       `json:"n"`
	At     time.Time `json:"at"` // of its arrival
	Done   time.Time `json:"done"`
	Route  string    `json:"route"`
	URI    string    `json:"uri"` // path and query
	Status int       `json:"status"`
}

// statistics counts for a server.
type statistics struct {
	mu     sync.Mutex
	n      int
	now    Stats
	record bool
	log    []Record
	at     map[int]time.Time // arrivals of requests under way
}

// begin counts an arrival and returns its number and how many are under way.
func (s *statistics) begin(route string) (n, inFlight int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n++
	s.now.Requests++
	s.now.InFlight++
	s.now.MaxInFlight = max(s.now.MaxInFlight, s.now.InFlight)
	r := s.route(route)
	r.Requests++
	s.now.Routes[route] = r
	if s.record {
		if s.at == nil {
			s.at = map[int]time.Time{}
		}
		s.at[s.n] = time.Now()
	}
	return s.n, s.now.InFlight
}

func (s *statistics) route(route string) RouteStats {
	if s.now.Routes == nil {
		s.now.Routes = map[string]RouteStats{}
	}
	r, ok := s.now.Routes[route]
	if !ok {
		r.Status = map[int]int{}
	}
	return r
}

// end counts an answer; status 0 means that there was none.
func (s *statistics) end(c *call, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now.InFlight--
	r := s.route(c.route)
	r.Status[status]++
	s.now.Routes[c.route] = r
	if s.record {
		s.log = append(s.log, Record{N: c.n, At: s.at[c.n], Done: time.Now(), Route: c.route, URI: c.r.URL.RequestURI(), Status: status})
		delete(s.at, c.n)
	}
}

func (s *statistics) refused() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now.Refused++
}

func (s *statistics) sent(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now.Bytes += int64(n)
}

func (s *statistics) fault(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now.Faults == nil {
		s.now.Faults = map[string]int{}
	}
	s.now.Faults[name]++
}

func (s *statistics) problem(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now.Problems = append(s.now.Problems, err.Error())
}

// Requests returns what was counted so far.
func (s *Server) Requests() Stats {
	s.stats.mu.Lock()
	defer s.stats.mu.Unlock()
	now := s.stats.now
	now.Routes = make(map[string]RouteStats, len(s.stats.now.Routes))
	for route, r := range s.stats.now.Routes {
		now.Routes[route] = RouteStats{Requests: r.Requests, Status: maps.Clone(r.Status)}
	}
	now.Faults = maps.Clone(now.Faults)
	now.Problems = slices.Clone(now.Problems)
	return now
}

// Log returns the requests that have ended, in the order in which they ended,
// if [Options.Record] asked for it.
func (s *Server) Log() []Record {
	s.stats.mu.Lock()
	defer s.stats.mu.Unlock()
	return slices.Clone(s.stats.log)
}

// ResetCounts begins to count anew, the numbers of requests included. Requests
// under way stay counted as such.
func (s *Server) ResetCounts() {
	s.stats.mu.Lock()
	defer s.stats.mu.Unlock()
	s.stats.n = 0
	s.stats.log = nil
	s.stats.now = Stats{InFlight: s.stats.now.InFlight, MaxInFlight: s.stats.now.InFlight}
}

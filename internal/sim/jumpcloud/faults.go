package jcsim

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// faultState is a fault and how far it has come. The server's chanceMu guards
// the counters.
type faultState struct {
	*Fault
	seen int // requests that matched
	hits int // requests that were spoiled
}

// AddFault adds a fault to those in force, which go on counting.
func (s *Server) AddFault(f Fault) error {
	if err := f.check(); err != nil {
		return err
	}
	s.configMu.Lock()
	defer s.configMu.Unlock()
	next := *s.config.Load()
	next.Settings.Faults = append(append([]Fault(nil), next.Settings.Faults...), f)
	next.faults = append(append([]*faultState(nil), next.faults...), &faultState{Fault: &f})
	s.config.Store(&next)
	return nil
}

// ClearFaults ends all faults.
func (s *Server) ClearFaults() {
	s.configMu.Lock()
	defer s.configMu.Unlock()
	next := *s.config.Load()
	next.Settings.Faults, next.faults = nil, nil
	s.config.Store(&next)
}

// hits is what the faults do to one request.
type hits struct {
	end    *Fault // the one that decides the answer, or nil
	delay  time.Duration
	cut    bool
	slow   time.Duration
	typ    string
	delta  int
	edits  []Edit
	revoke bool
}

// faultsOf finds the faults that strike a request. A request that the rate limit
// refuses does not count for them.
func (s *Server) faultsOf(c *call, refused bool) hits {
	var h hits
	if refused || len(c.cfg.faults) == 0 {
		return h
	}
	s.chanceMu.Lock()
	defer s.chanceMu.Unlock()
	for _, f := range c.cfg.faults {
		if !f.strikes(c, s.chance.Float64) {
			continue
		}
		s.stats.fault(f.name())
		h.add(f.Fault)
	}
	return h
}

// strikes counts a request and reports whether the fault spoils it.
func (f *faultState) strikes(c *call, chance func() float64) bool {
	if f.Route != "" && !routeMatches(f.Route, c.route) || f.Path != "" && !glob(f.Path, c.r.URL.RequestURI()) {
		return false
	}
	f.seen++
	if f.seen <= f.After || f.Times > 0 && f.hits >= f.Times {
		return false
	}
	if f.Every > 1 && (f.seen-f.After)%f.Every != 0 {
		return false
	}
	if f.Probability > 0 && chance() >= f.Probability {
		return false
	}
	f.hits++
	return true
}

// add takes in one more fault.
func (h *hits) add(f *Fault) {
	switch f.Effect {
	case EffectDelay:
		h.delay += f.Delay
	case EffectCut:
		h.cut = true
	case EffectSlow:
		h.slow = f.Delay
	case EffectType:
		h.typ = f.ContentType
		if h.typ == "" {
			h.typ = "text/html"
		}
	case EffectTotal:
		h.delta += f.Delta
	case EffectRevoke:
		h.revoke = true
	case EffectEdit:
		h.edits = append(h.edits, f.Edits...)
	default:
		if h.end == nil {
			h.end = f
		}
	}
}

// effect is the effect of the deciding fault, or "".
func (h *hits) effect() string {
	switch {
	case h.end == nil:
		return ""
	case h.end.Effect == "":
		return EffectStatus
	default:
		return h.end.Effect
	}
}

// before reports whether the answer is decided without doing what was asked.
func (h *hits) before() bool {
	switch h.effect() {
	case EffectStatus, EffectReset, EffectHang, EffectLogin, EffectRedirect, EffectHuge:
		return true
	default:
		return false
	}
}

// prepare does what faults do ahead of the answer.
func (s *Server) prepare(c *call, h hits) {
	if h.revoke {
		s.RevokeTokens()
	}
	if len(h.edits) == 0 {
		return
	}
	t := s.tenants[0]
	if named := findTenant(s.tenants, c.r.Header.Get("x-org-id")); named != nil {
		t = named
	}
	if err := t.Apply(h.edits...); err != nil {
		s.stats.problem(err)
	}
}

// answerBefore is the answer of a fault that leaves the request undone. Dropped
// connections are left to [call.write].
func (h *hits) answerBefore(c *call) answer {
	switch h.effect() {
	case EffectLogin:
		return htmlPage(http.StatusOK, loginPage)
	case EffectRedirect:
		a := htmlPage(http.StatusFound, "")
		a.location = h.end.Location
		if a.location == "" {
			a.location = "/login"
		}
		return a
	case EffectStatus:
		return h.end.answer(c)
	case EffectHuge:
		return answer{status: http.StatusOK, total: -1}
	default:
		return answer{total: -1}
	}
}

// answerAfter changes the answer to a request that was served.
func (h *hits) answerAfter(c *call, a answer) answer {
	switch h.effect() {
	case EffectStatusAfter:
		a = h.end.answer(c)
	case EffectEmpty:
		a = answer{status: http.StatusOK, total: -1}
	case EffectBody:
		a.status = http.StatusOK
		if h.end.Status != 0 {
			a.status = h.end.Status
		}
		a.body = []byte(h.end.Body)
		if h.end.ContentType != "" {
			a.contentType = h.end.ContentType
		}
	}
	if h.typ != "" {
		a.contentType = h.typ
	}
	return a
}

// answer is the answer of a fault with a status.
func (f *Fault) answer(c *call) answer {
	a := c.failAs(f.Form, f.Status, http.StatusText(f.Status))
	if f.Body != "" {
		a.body = []byte(f.Body)
	}
	if f.ContentType != "" {
		a.contentType = f.ContentType
	}
	a.retryAfter = f.RetryAfter
	if after, ok := strings.CutPrefix(f.RetryAfter, "date+"); ok {
		if d, err := time.ParseDuration(after); err == nil {
			a.retryAfter = time.Now().Add(d).UTC().Format(http.TimeFormat)
		}
	}
	return a
}

// dropped reports whether the connection is dropped instead of an answer.
func (h *hits) dropped() bool {
	e := h.effect()
	return e == EffectReset || e == EffectResetAfter || e == EffectHang
}

// status is the status to count.
func (h *hits) status(a answer) int {
	if h.dropped() {
		return 0
	}
	return a.status
}

// limit applies the rate limit to an arrival, when inFlight requests are under
// way, this one among them.
func (c *call) limit(inFlight int) (answer, bool) {
	r := c.cfg.Rate
	var free time.Duration
	switch {
	case r.Concurrent > 0 && inFlight > r.Concurrent:
		free = time.Second
	case c.cfg.limiter == nil || c.cfg.limiter.Allow():
		return answer{}, false
	default:
		lacking := 1 - c.cfg.limiter.Tokens()
		free = time.Duration(max(0, lacking) / float64(c.cfg.limiter.Limit()) * float64(time.Second))
	}
	status := r.Status
	if status == 0 {
		status = http.StatusTooManyRequests
	}
	a := c.failAs(r.Form, status, "Too many requests")
	a.retryAfter = retryAfter(r.RetryAfter, free)
	return a, true
}

// retryAfter is the header of a refusal when a request is free to come again.
func retryAfter(kind string, free time.Duration) string {
	seconds := math.Ceil(free.Seconds())
	switch kind {
	case "seconds":
		return strconv.Itoa(int(seconds))
	case "date":
		// Dates have whole seconds; the next one lies after the truth.
		return time.Now().Add(time.Duration(seconds)*time.Second + time.Second - 1).UTC().Format(http.TimeFormat)
	case "absurd":
		return strconv.Itoa(365 * 24 * 3600)
	default:
		return kind
	}
}

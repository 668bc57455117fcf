package jcsim

import (
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// Options make a [Server].
type Options struct {
	// Tenant is the organization that is served; nil means a small generated one.
	Tenant *Tenant
	// Others are further organizations, for keys that see several.
	Others []*Tenant
	// Keys are the API keys that are known. Without keys and accounts there is one,
	// [DefaultKey].
	Keys []APIKey
	// ServiceAccounts may get tokens at POST /oauth2/token.
	ServiceAccounts []ServiceAccount
	// Settings hold at the start.
	Settings Settings
	// Seed decides what chance decides: jitter, probabilities, orders.
	Seed uint64
	// Control serves the control routes under /_sim/ to loopback clients.
	Control bool
	// Record keeps a list of all requests ([Server.Log]).
	Record bool
}

// DefaultKey is the API key of a server that was given no credentials.
const DefaultKey = "jca_simulator"

// Server is a JumpCloud console: API v1 under /api, API v2 under /api/v2, the
// sign-in page at /login and the OAuth token route at /oauth2/token. It is an
// [http.Handler] for any number of requests at once. Tenants and settings may be
// changed while it serves.
type Server struct {
	tenants []*Tenant
	tables  map[*Tenant]*tables
	mux     *http.ServeMux
	control http.Handler // nil unless asked for
	auth    *authority
	lag     lagState

	config   atomic.Pointer[config]
	configMu sync.Mutex // held while config is replaced
	hook     atomic.Pointer[func(n int, route string)]

	chanceMu sync.Mutex // guards chance and the counters of faults
	chance   *rand.Rand

	churned churner
	stats   statistics
}

// config is one state of the settings and what belongs to it.
type config struct {
	Settings
	limiter *rate.Limiter // nil without a limit
	faults  []*faultState
}

// New makes a server. It panics on options that [Options.Check] refuses.
func New(o Options) *Server {
	if err := o.Check(); err != nil {
		panic("jcsim: " + err.Error())
	}
	if o.Tenant == nil {
		o.Tenant = Generate(o.Seed, Small())
	}
	s := &Server{
		tenants: append([]*Tenant{o.Tenant}, o.Others...), tables: map[*Tenant]*tables{}, mux: http.NewServeMux(),
		chance: rand.New(rand.NewPCG(o.Seed, 0x66_61756c74)), //nolint:gosec // reproducible, not secret
	}
	s.stats.record = o.Record
	s.churned.r = rand.New(rand.NewPCG(o.Seed, 0x6368_75726e)) //nolint:gosec // reproducible, not secret
	for _, t := range s.tenants {
		s.tables[t] = newTables(t)
		t.recordEvents()
	}
	s.auth = newAuthority(s.tenants, o.Keys, o.ServiceAccounts)
	s.config.Store(newConfig(o.Settings, nil))
	for _, e := range s.endpoints() {
		s.mux.HandleFunc(e.pattern, s.serve(e))
	}
	s.mux.HandleFunc("/", s.serve(endpoint{pattern: "unknown", public: true, answer: unknownRoute}))
	if o.Control {
		s.control = s.ControlHandler()
	}
	return s
}

// Check refuses options that contradict themselves.
func (o Options) Check() error {
	if err := o.Settings.check(); err != nil {
		return err
	}
	return checkCredentials(o)
}

// newConfig prepares settings. The limiter of the former ones goes on where the
// limit is the same.
func newConfig(set Settings, former *config) *config {
	set = set.clone()
	c := &config{Settings: set}
	if r := set.Rate; r.PerSecond > 0 {
		if former != nil && former.limiter != nil && former.Rate.PerSecond == r.PerSecond && former.Rate.Burst == r.Burst {
			c.limiter = former.limiter
		} else {
			c.limiter = rate.NewLimiter(rate.Limit(r.PerSecond), max(1, r.Burst))
		}
	}
	for i := range set.Faults {
		c.faults = append(c.faults, &faultState{Fault: &set.Faults[i]})
	}
	return c
}

// Tenant is the first organization.
func (s *Server) Tenant() *Tenant { return s.tenants[0] }

// Settings returns a copy of the settings in force.
func (s *Server) Settings() Settings { return s.config.Load().clone() }

// SetSettings replaces the settings. Requests under way keep the former ones;
// faults start to count from zero.
func (s *Server) SetSettings(set Settings) error {
	if err := set.check(); err != nil {
		return err
	}
	s.configMu.Lock()
	defer s.configMu.Unlock()
	s.config.Store(newConfig(set, s.config.Load()))
	return nil
}

// Update changes the settings in force by a function.
func (s *Server) Update(edit func(*Settings)) error {
	set := s.Settings()
	edit(&set)
	return s.SetSettings(set)
}

// OnRequest sets a function that is called for every request after its latency
// and before anything is answered, so that a test can edit a tenant between two
// pages. n counts requests from 1, in the order of their arrival. Requests that
// are under way at once call it at once. nil removes it.
func (s *Server) OnRequest(f func(n int, route string)) {
	if f == nil {
		s.hook.Store(nil)
		return
	}
	s.hook.Store(&f)
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.control != nil && strings.HasPrefix(r.URL.Path, controlPrefix) {
		s.control.ServeHTTP(w, r)
		return
	}
	s.mux.ServeHTTP(w, r)
}

// endpoint is one route. Its answer is worked out under the tenant's lock: the
// read lock, or the write lock for a route that changes something.
type endpoint struct {
	pattern string
	public  bool // without credentials and without a tenant
	global  bool // of all organizations of the credential, without a tenant
	admins  bool // needs the right to see administrators
	writes  bool
	answer  func(*call) answer
}

// call is one request on its way.
type call struct {
	s     *Server
	r     *http.Request
	cfg   *config
	n     int
	route string
	cred  *credential
	t     *Tenant
	tab   *tables
	query url.Values
	body  []byte // of the request
	buf   []byte // room for the answer
	reads []*lagged
	late  []*lateObject
	delta int // by which a fault moves totals
}

// answer is what a client gets.
type answer struct {
	status      int
	body        []byte
	contentType string // empty means JSON
	location    string
	retryAfter  string
	total       int               // x-total-count; negative for none
	header      map[string]string // further ones
}

// maxRequestBody is how much of a request's body is read, in bytes.
const maxRequestBody = 1 << 20

// serve wraps an endpoint with all that requests have in common.
func (s *Server) serve(e endpoint) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c := &call{s: s, r: r, cfg: s.config.Load(), route: e.pattern}
		if e.pattern == "unknown" {
			c.route = r.Method + " unknown"
		}
		var inFlight int
		c.n, inFlight = s.stats.begin(c.route)
		status := 0
		defer func() { s.stats.end(c, status) }()

		refusal, refused := c.limit(inFlight)
		hit := s.faultsOf(c, refused)
		if wait(r.Context(), s.latency(c.cfg)+hit.delay) != nil {
			panic(http.ErrAbortHandler) // an empty 200 would be an answer
		}
		if hook := s.hook.Load(); hook != nil {
			(*hook)(c.n, c.route)
		}
		s.prepare(c, hit)
		if !e.public {
			s.churn(c.cfg.Churn)
		}
		c.delta = hit.delta
		buf := takeBuffer()
		defer returnBuffer(buf)
		c.buf = (*buf)[:0]
		a := refusal
		switch {
		case refused:
			s.stats.refused()
		case hit.before():
			a = hit.answerBefore(c)
		default:
			a = hit.answerAfter(c, c.respond(e))
		}
		if cap(a.body) > cap(*buf) {
			*buf = a.body[:0]
		}
		status = hit.status(a)
		c.write(w, a, hit)
	}
}

// latency draws how long an answer takes.
func (s *Server) latency(cfg *config) time.Duration {
	if cfg.Jitter <= 0 {
		return cfg.Latency
	}
	s.chanceMu.Lock()
	defer s.chanceMu.Unlock()
	return cfg.Latency + time.Duration(s.chance.Int64N(int64(cfg.Jitter)))
}

// wait waits for a time or for the end of the context, whose error it returns.
func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// respond authenticates and answers.
func (c *call) respond(e endpoint) answer {
	c.query = c.r.URL.Query()
	if c.r.Method != http.MethodGet && c.r.Method != http.MethodHead {
		body, err := io.ReadAll(io.LimitReader(c.r.Body, maxRequestBody+1))
		if err != nil || len(body) > maxRequestBody {
			return c.fail(http.StatusBadRequest, "the body is too long or was cut off")
		}
		c.body = body
	}
	if e.public {
		return e.answer(c)
	}
	if refused, ok := c.authenticate(e); !ok {
		return refused
	}
	if c.cfg.WrongNotFound.Has(c.route) {
		return c.notFound()
	}
	if e.global {
		return e.answer(c)
	}
	c.tab = c.s.tables[c.t]
	c.t.runSchedules(time.Now())
	c.s.lag.undoDue(c)
	if e.writes {
		c.t.mu.Lock()
		defer c.t.mu.Unlock()
	} else {
		c.t.mu.RLock()
		defer c.t.mu.RUnlock()
	}
	a := e.answer(c)
	c.s.lag.wasRead(c)
	return a
}

// v2 reports whether the request is for API v2.
func (c *call) v2() bool { return strings.HasPrefix(c.r.URL.Path, "/api/v2/") }

package jcsim_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// transports reach a server in every way that the project uses.
func transports(t *testing.T, s *jcsim.Server) map[string]*client {
	t.Helper()
	plain := httptest.NewServer(s)
	t.Cleanup(plain.Close)
	secure := httptest.NewUnstartedServer(s)
	secure.EnableHTTP2 = true
	secure.StartTLS()
	t.Cleanup(secure.Close)
	inProcess := newClient(t, s)
	overTCP, overH2 := *inProcess, *inProcess
	overTCP.base, overTCP.http = plain.URL, plain.Client()
	overH2.base, overH2.http = secure.URL, secure.Client()
	overTCP.http.CheckRedirect, overH2.http.CheckRedirect = noRedirects, noRedirects
	return map[string]*client{"in process": inProcess, "HTTP/1": &overTCP, "HTTP/2": &overH2}
}

func TestFaultsOnEveryTransport(t *testing.T) {
	t.Parallel()
	broken := func(res response, err error) string {
		if err == nil {
			return "answered with " + itoa(res.status)
		}
		return ""
	}
	is := func(status int, part string) func(response, error) string {
		return func(res response, err error) string {
			if err != nil || res.status != status || !strings.Contains(res.body, part) {
				return itoa(res.status) + " " + res.body
			}
			return ""
		}
	}
	member := `{"op":"add","type":"user","id":"USER"}`
	for _, test := range []struct {
		name    string
		fault   jcsim.Fault
		write   bool // the request is the addition of a member
		check   func(response, error) string
		applied bool // it took effect
	}{
		{name: "status", fault: jcsim.Fault{Status: 503}, write: true, check: is(503, `"message":"Service Unavailable"`)},
		{name: "status after", fault: jcsim.Fault{Effect: jcsim.EffectStatusAfter, Status: 503}, write: true, applied: true, check: is(503, "message")},
		{name: "spec form", fault: jcsim.Fault{Status: 403, Form: "spec"}, check: is(403, `{"code":7,"message":"Forbidden","status":"FORBIDDEN"}`)},
		{name: "v1 form", fault: jcsim.Fault{Status: 500, Form: "v1"}, check: is(500, `{"error":"Internal Server Error"`)},
		{name: "text form", fault: jcsim.Fault{Status: 502, Form: "text"}, check: is(502, "Bad Gateway")},
		{name: "html form", fault: jcsim.Fault{Status: 403, Form: "html"}, check: is(403, "<html>")},
		{name: "empty form", fault: jcsim.Fault{Status: 504, Form: "empty"}, check: is(504, "")},
		{name: "reset", fault: jcsim.Fault{Effect: jcsim.EffectReset}, write: true, check: broken},
		{name: "reset after", fault: jcsim.Fault{Effect: jcsim.EffectResetAfter}, write: true, applied: true, check: broken},
		{name: "cut", fault: jcsim.Fault{Effect: jcsim.EffectCut}, check: broken},
		{name: "login page", fault: jcsim.Fault{Effect: jcsim.EffectLogin}, check: is(200, "Administrator Login")},
		{name: "redirect", fault: jcsim.Fault{Effect: jcsim.EffectRedirect}, check: func(res response, err error) string {
			if err != nil || res.status != 302 || res.header.Get("Location") != "/login" {
				return itoa(res.status) + " " + res.header.Get("Location")
			}
			return ""
		}},
		{name: "redirect elsewhere", fault: jcsim.Fault{Effect: jcsim.EffectRedirect, Location: "https://evil.example/"}, check: func(res response, err error) string {
			if err != nil || res.header.Get("Location") != "https://evil.example/" {
				return res.header.Get("Location")
			}
			return ""
		}},
		{name: "empty", fault: jcsim.Fault{Effect: jcsim.EffectEmpty}, write: true, applied: true, check: func(res response, err error) string {
			if err != nil || res.status != 200 || res.body != "" {
				return itoa(res.status) + res.body
			}
			return ""
		}},
		{name: "other body", fault: jcsim.Fault{Effect: jcsim.EffectBody, Body: `{"results":{}}`}, check: is(200, `{"results":{}}`)},
		{name: "content type", fault: jcsim.Fault{Effect: jcsim.EffectType}, check: func(res response, err error) string {
			if err != nil || res.header.Get("Content-Type") != "text/html" || !strings.HasPrefix(res.body, "[{") {
				return res.header.Get("Content-Type") + res.body
			}
			return ""
		}},
		{name: "total", fault: jcsim.Fault{Effect: jcsim.EffectTotal, Delta: -2}, check: func(res response, err error) string {
			if err != nil || res.header.Get("x-total-count") != "5" {
				return res.header.Get("x-total-count")
			}
			return ""
		}},
		{name: "huge", fault: jcsim.Fault{Effect: jcsim.EffectHuge, Size: 3 << 20}, check: func(res response, err error) string {
			if err != nil || len(res.body) != 3<<20 {
				return itoa(len(res.body))
			}
			return ""
		}},
		{name: "retry after", fault: jcsim.Fault{Status: 429, RetryAfter: "7"}, check: func(res response, err error) string {
			if err != nil || res.status != 429 || res.header.Get("Retry-After") != "7" {
				return res.header.Get("Retry-After")
			}
			return ""
		}},
		{name: "edit", fault: jcsim.Fault{Effect: jcsim.EffectEdit, Edits: []jcsim.Edit{{Op: "delete-user", Ref: "bo.li"}, {Op: "no-holes"}}}, check: func(res response, err error) string {
			if err != nil || res.header.Get("x-total-count") != "7" { // an edge dangles: the tenant has holes
				return res.body
			}
			return ""
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for _, name := range []string{"in process", "HTTP/1", "HTTP/2"} {
				tn := borealis(t)
				s := jcsim.New(jcsim.Options{Tenant: tn, Settings: jcsim.Settings{Faults: []jcsim.Fault{test.fault}}})
				c := transports(t, s)[name]
				group, user := groupID(t, tn, "All Users"), must[*jcsim.User](t)(tn.User("nobody.lists.me")).ID
				path := "/api/v2/usergroups/" + group + "/members"
				method, body := http.MethodGet, ""
				if test.write {
					method, body = http.MethodPost, strings.ReplaceAll(member, "USER", user)
				}
				if problem := test.check(c.try(method, path, body)); problem != "" {
					t.Errorf("%s: %s", name, problem)
				}
				if got := tn.AddMember(group, user); test.write && errors.Is(got, jcsim.ErrExists) != test.applied {
					t.Errorf("%s: took effect: %v", name, !test.applied)
				}
				if n := s.Requests().Faults; len(n) != 1 {
					t.Errorf("%s: faults counted: %v", name, n)
				}
				if p := s.Requests().Problems; len(p) != 0 {
					t.Errorf("%s: problems: %v", name, p)
				}
			}
		})
	}
}

// TestResetIsAReset holds that a dropped connection looks like one.
func TestResetIsAReset(t *testing.T) {
	t.Parallel()
	s := jcsim.New(jcsim.Options{Settings: jcsim.Settings{Faults: []jcsim.Fault{{Effect: jcsim.EffectReset}}}})
	for name, c := range transports(t, s) {
		_, err := c.try("POST", "/api/search/systemusers", "{}")
		if err == nil {
			t.Errorf("%s: answered", name)
		}
		if name != "HTTP/2" && !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFaultSchedule(t *testing.T) {
	t.Parallel()
	statuses := func(faults []jcsim.Fault, paths ...string) (got []int) {
		s := jcsim.New(jcsim.Options{Tenant: borealis(t), Seed: 1, Settings: jcsim.Settings{Faults: faults}})
		c := newClient(t, s)
		for _, path := range paths {
			got = append(got, c.get(path).status)
		}
		return got
	}
	users, groups := "/api/systemusers", "/api/v2/usergroups"
	six := []string{users, users, users, users, users, users}
	for _, test := range []struct {
		name   string
		faults []jcsim.Fault
		paths  []string
		want   []int
	}{
		{"the third and fourth", []jcsim.Fault{{Status: 503, After: 2, Times: 2}}, six, []int{200, 200, 503, 503, 200, 200}},
		{"every second after one", []jcsim.Fault{{Status: 503, After: 1, Every: 2}}, six, []int{200, 200, 503, 200, 503, 200}},
		{"by route", []jcsim.Fault{{Status: 503, Route: "GET /api/v2/*"}}, []string{users, groups, users}, []int{200, 503, 200}},
		{"by path", []jcsim.Fault{{Status: 503, Path: "*skip=2*"}}, []string{users + "?skip=1", users + "?skip=2"}, []int{200, 503}},
		{"counts what matches", []jcsim.Fault{{Status: 503, Route: "* /api/v2/*", After: 1}}, []string{groups, users, groups}, []int{200, 200, 503}},
		{"the first decides", []jcsim.Fault{{Status: 503, Times: 1}, {Status: 429}}, six[:3], []int{503, 429, 429}},
	} {
		if diff := cmp.Diff(test.want, statuses(test.faults, test.paths...)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
	many := make([]string, 400)
	for i := range many {
		many[i] = users
	}
	failed := 0
	first := statuses([]jcsim.Fault{{Status: 503, Probability: 0.25}}, many...)
	for _, status := range first {
		if status == 503 {
			failed++
		}
	}
	if failed < 60 || failed > 140 {
		t.Errorf("a quarter of 400 is not %d", failed)
	}
	if diff := cmp.Diff(first, statuses([]jcsim.Fault{{Status: 503, Probability: 0.25}}, many...)); diff != "" {
		t.Error("the same seed gives two schedules")
	}
}

func TestFaultsAtRunTime(t *testing.T) {
	t.Parallel()
	s := jcsim.New(jcsim.Options{Tenant: borealis(t)})
	c := newClient(t, s)
	if err := s.AddFault(jcsim.Fault{Status: 503, Times: 1}); err != nil {
		t.Fatal(err)
	}
	if got := c.get("/api/systemusers").status; got != 503 {
		t.Errorf("added fault: %d", got)
	}
	if err := s.AddFault(jcsim.Fault{Status: 502, Times: 1}); err != nil { // the first has done its work and stays done
		t.Fatal(err)
	}
	if got := c.get("/api/systemusers").status; got != 502 {
		t.Errorf("second fault: %d", got)
	}
	if err := s.Update(func(set *jcsim.Settings) { // faults count anew
		set.RefuseRoles, set.ClampLimit, set.NoTotal = 501, map[string]int{"*": 50}, jcsim.Routes{"none"}
	}); err != nil {
		t.Fatal(err)
	}
	if got := c.get("/api/systemusers").status; got != 503 {
		t.Errorf("after other settings: %d", got)
	}
	s.ClearFaults()
	if got := c.get("/api/systemusers").status; got != 200 {
		t.Errorf("cleared: %d", got)
	}
	if got := c.get("/api/v2/roles").status; got != 501 {
		t.Errorf("other settings went with the faults: %d", got)
	}
	if err := s.AddFault(jcsim.Fault{Route: "GET /api/systemusers", Effect: jcsim.EffectTotal, Delta: 5}); err != nil {
		t.Fatal(err)
	}
	if got := c.list("/api/systemusers").TotalCount; got != 11 {
		t.Errorf("total of a v1 list: %d", got)
	}
	s.ClearFaults()
	set := s.Settings() // a copy
	set.ClampLimit["*"], set.NoTotal[0] = 1, "*"
	if got := s.Settings(); got.ClampLimit["*"] != 50 || got.NoTotal[0] != "none" {
		t.Errorf("the settings in force were changed through a copy: %+v", got)
	}
	if err := s.AddFault(jcsim.Fault{Effect: "explode"}); err == nil {
		t.Error("an unknown effect was taken")
	}
	if err := s.AddFault(jcsim.Fault{Effect: jcsim.EffectEdit, Edits: []jcsim.Edit{{Op: "delete-user", Ref: "nobody"}}}); err != nil {
		t.Fatal(err)
	}
	c.get("/api/systemusers")
	if p := s.Requests().Problems; len(p) != 1 || !strings.Contains(p[0], "nobody") {
		t.Errorf("problems: %v", p)
	}
}

// TestTimeStandsStill holds that latency, slow bodies, hangs and cancellation
// work under virtual time, without a socket and without a goroutine left.
func TestTimeStandsStill(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := jcsim.New(jcsim.Options{Tenant: borealis(t), Settings: jcsim.Settings{Latency: 3 * time.Second, Faults: []jcsim.Fault{
			{Route: "GET /api/applications", Effect: jcsim.EffectSlow, Delay: time.Minute},
			{Route: "GET /api/users", Effect: jcsim.EffectHang},
			{Route: "GET /api/v2/roles", Effect: jcsim.EffectDelay, Delay: time.Hour},
		}}})
		c := newClient(t, s)
		took := func(what func()) time.Duration {
			start := time.Now()
			what()
			return time.Since(start)
		}
		if d := took(func() { c.get("/api/systemusers") }); d != 3*time.Second {
			t.Errorf("latency: %s", d)
		}
		if d := took(func() { c.get("/api/v2/roles") }); d != time.Hour+3*time.Second {
			t.Errorf("delay: %s", d)
		}
		if d := took(func() {
			if p := c.list("/api/applications"); len(p.Results) != 3 {
				t.Errorf("slow body: %v", p)
			}
		}); d != 20*time.Minute+3*time.Second {
			t.Errorf("slow body: %s", d)
		}
		for _, path := range []string{"/api/users", "/api/v2/roles", "/api/applications"} {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("x-api-key", jcsim.DefaultKey)
			if d := took(func() {
				res, err := c.http.Do(req)
				if err == nil {
					_, err = io.ReadAll(res.Body)
					_ = res.Body.Close()
				}
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%s: %v", path, err)
				}
			}); d != 10*time.Second {
				t.Errorf("%s: canceled after %s", path, d)
			}
			cancel()
		}
		// A body that nobody reads to its end holds nothing up.
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.base+"/api/applications", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("x-api-key", jcsim.DefaultKey)
		res, err := c.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		synctest.Wait()
		<-time.After(2 * time.Hour)
		if n := s.Requests().InFlight; n != 0 {
			t.Errorf("%d requests are still under way", n)
		}
	})
}

// TestRateLimit holds that the server admits what it is set to, and tells when
// to come again in the form that it is set to.
func TestRateLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := jcsim.New(jcsim.Options{Tenant: borealis(t), Settings: jcsim.Settings{Rate: jcsim.Rate{PerSecond: 0.5, Burst: 3, RetryAfter: "seconds"}}})
		c := newClient(t, s)
		get := func() response { return c.get("/api/systemusers") }
		for i := range 3 {
			if res := get(); res.status != 200 {
				t.Errorf("request %d of the burst: %d", i+1, res.status)
			}
		}
		res := get()
		if res.status != 429 || res.header.Get("Retry-After") != "2" {
			t.Errorf("refusal: %d, %q", res.status, res.header.Get("Retry-After"))
		}
		<-time.After(2 * time.Second)
		if res := get(); res.status != 200 {
			t.Errorf("after the time it told: %d", res.status)
		}
		now := time.Now()
		for kind, check := range map[string]func(string) bool{
			"":       func(h string) bool { return h == "" },
			"absurd": func(h string) bool { return h == "31536000" },
			"soon":   func(h string) bool { return h == "soon" },
			"date": func(h string) bool {
				at, err := http.ParseTime(h)
				return err == nil && !at.Before(now.Add(time.Second)) && at.Before(now.Add(4*time.Second))
			},
		} {
			if err := s.Update(func(set *jcsim.Settings) { set.Rate.RetryAfter = kind }); err != nil { // the bucket stays
				t.Fatal(err)
			}
			if res := get(); res.status != 429 || !check(res.header.Get("Retry-After")) {
				t.Errorf("%q: %d, %q", kind, res.status, res.header.Get("Retry-After"))
			}
		}
		if n := s.Requests().Refused; n != 5 {
			t.Errorf("%d refusals counted", n)
		}
		if err := s.Update(func(set *jcsim.Settings) { set.Rate = jcsim.Rate{PerSecond: 0.001, Status: 403, Form: "html"} }); err != nil {
			t.Fatal(err)
		}
		get()
		if res := get(); res.status != 403 || !strings.HasPrefix(res.body, "<html>") {
			t.Errorf("refusal from an edge: %d %s", res.status, res.body)
		}
	})
}

func TestConcurrencyLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := jcsim.New(jcsim.Options{Tenant: borealis(t), Settings: jcsim.Settings{Latency: time.Second, Rate: jcsim.Rate{Concurrent: 4, RetryAfter: "seconds"}}})
		c := newClient(t, s)
		statuses := make(chan int, 10)
		for range 10 {
			go func() {
				res, err := c.try(http.MethodGet, "/api/systemusers", "")
				if err != nil {
					t.Error(err)
				}
				statuses <- res.status
			}()
		}
		count := map[int]int{}
		for range 10 {
			count[<-statuses]++
		}
		if diff := cmp.Diff(map[int]int{200: 4, 429: 6}, count); diff != "" {
			t.Errorf("statuses (-want +got):\n%s", diff)
		}
		if got := s.Requests(); got.MaxInFlight != 10 || got.Refused != 6 {
			t.Errorf("stats: %+v", got)
		}
	})
}

// TestLagTime holds that a write can be late by time.
func TestLagTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tn := borealis(t)
		s := jcsim.New(jcsim.Options{Tenant: tn, Settings: jcsim.Settings{Behavior: jcsim.Behavior{LagTime: 5 * time.Second}}})
		c := newClient(t, s)
		path := "/api/v2/usergroups/" + groupID(t, tn, "Sales") + "/members"
		before := len(c.list(path).Results)
		c.do("POST", path, `{"op":"add","type":"user","id":"`+must[*jcsim.User](t)(tn.User("dana")).ID+`"}`)
		for i, want := range []int{before, before, before, before, before, before + 1, before + 1} {
			if got := len(c.list(path).Results); got != want {
				t.Errorf("%d s after the write: %d members", i, got)
			}
			<-time.After(time.Second)
		}
	})
}

// TestServerOverPipes holds that the handler works on in-memory connections
// under virtual time, resets included.
func TestServerOverPipes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := jcsim.New(jcsim.Options{Tenant: borealis(t), Settings: jcsim.Settings{Latency: time.Second, Faults: []jcsim.Fault{{Effect: jcsim.EffectReset, After: 1}}}})
		accept, closed := make(chan net.Conn), make(chan struct{})
		server := &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}
		go func() { _ = server.Serve(pipes{accept, closed}) }()
		transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
			near, far := net.Pipe()
			accept <- far
			return near, nil
		}}
		c := newClient(t, s)
		c.http = &http.Client{Transport: transport}
		if p := c.list("/api/systemusers"); p.TotalCount != 6 {
			t.Errorf("total %d", p.TotalCount)
		}
		if _, err := c.try("POST", "/api/search/systemusers", "{}"); err == nil {
			t.Error("no reset")
		}
		transport.CloseIdleConnections()
		_ = server.Close()
	})
}

// pipes is a listener that hands out connections from a channel.
type pipes struct {
	accept chan net.Conn
	closed chan struct{}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.accept:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p pipes) Close() error {
	close(p.closed)
	return nil
}

func (p pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

// TestCompression holds that a client that asks for gzip can get it.
func TestCompression(t *testing.T) {
	t.Parallel()
	s := jcsim.New(jcsim.Options{Tenant: jcsim.Generate(1, jcsim.Medium()), Settings: jcsim.Settings{Behavior: jcsim.Behavior{Compress: true}}})
	for name, c := range transports(t, s) {
		c.headers = map[string]string{"x-api-key": jcsim.DefaultKey, "Accept-Encoding": "gzip"}
		small := c.get("/api/systemusers?limit=100")
		if small.header.Get("Content-Encoding") != "gzip" || !strings.HasPrefix(small.body, "\x1f\x8b") {
			t.Errorf("%s: not compressed", name)
		}
		c.headers = map[string]string{"x-api-key": jcsim.DefaultKey}
		if p := c.list("/api/systemusers?limit=100"); len(p.Results) != 100 { // net/http decodes by itself
			t.Errorf("%s: %d rows", name, len(p.Results))
		}
	}
}

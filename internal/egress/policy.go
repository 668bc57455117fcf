package egress

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// Policy says which hosts a process may send requests to. It is immutable.
type Policy struct {
	// Hosts are in lower case, without ports and final dots.
	Hosts []string
	// HTTPSOnly permits encrypted requests only.
	HTTPSOnly bool
	// Enforce refuses other requests; else they are reported and sent.
	Enforce bool
}

// DeniedError is a request that a policy does not permit. Nothing was sent.
type DeniedError struct {
	Host string
	// Plain says that the host is permitted, but not without encryption.
	Plain bool
}

// Error implements error.
func (e *DeniedError) Error() string {
	if e.Plain {
		return fmt.Sprintf("the platform's egress policy permits https only, for %s too", e.Host)
	}
	return "the platform's egress policy does not permit " + e.Host
}

// IsDenied reports whether a policy did not permit a request.
func IsDenied(err error) bool {
	_, ok := errors.AsType[*DeniedError](err)
	return ok
}

// check returns what the policy has against a request; nil for nothing.
func (p *Policy) check(u *url.URL) *DeniedError {
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	switch {
	case !slices.Contains(p.Hosts, host):
		return &DeniedError{Host: host}
	case p.HTTPSOnly && u.Scheme != "https":
		return &DeniedError{Host: host, Plain: true}
	default:
		return nil
	}
}

// Transport makes a transport that holds requests to the policy. Tell gets what is
// against it and sent all the same, once a host. A nil policy permits everything.
func (p *Policy) Transport(next http.RoundTripper, tell func(error)) http.RoundTripper {
	if p == nil {
		return next
	}
	return &policed{policy: p, next: next, tell: tell, told: make(map[DeniedError]bool)}
}

type policed struct {
	policy *Policy
	next   http.RoundTripper
	tell   func(error)

	mu   sync.Mutex
	told map[DeniedError]bool
}

// RoundTrip implements [http.RoundTripper].
func (p *policed) RoundTrip(r *http.Request) (*http.Response, error) {
	denied := p.policy.check(r.URL)
	switch {
	case denied == nil:
	case p.policy.Enforce:
		if r.Body != nil {
			_ = r.Body.Close() // A transport closes the body always.
		}
		return nil, denied
	default:
		p.once(*denied)
	}
	return p.next.RoundTrip(r)
}

func (p *policed) once(denied DeniedError) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.told[denied] {
		p.told[denied] = true
		p.tell(&denied)
	}
}

// CloseIdleConnections closes those of the transport below.
func (p *policed) CloseIdleConnections() {
	if c, ok := p.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

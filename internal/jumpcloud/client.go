package jumpcloud

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/identity"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/limiter"
	"github.com/conductorone/baton-jumpcloud/internal/secret"
)

const (
	// defaultMaxInFlight is the bound of requests at once.
	defaultMaxInFlight = 16
	// defaultTimeout bounds one attempt, body included.
	defaultTimeout = 300 * time.Second
	// tenantHeader names the organization that a request is about.
	tenantHeader = "x-org-id"
)

// Config says which organization to talk to and how.
//
//	base, token, err := jumpcloud.Region("eu")
//	...
//	client, err := jumpcloud.New(jumpcloud.Config{
//		BaseURL: base, TokenURL: token, APIKey: key, UserAgent: "baton-jumpcloud/1.2.3",
//		Logger: logger,
//	})
type Config struct {
	// BaseURL is the console's address, such as https://console.jumpcloud.com; the
	// client appends /api/... and /api/v2/... to its path.
	BaseURL *url.URL
	// InsightsURL is the address before /insights/directory/v1; nil means the API host of
	// the console's region, and BaseURL where that is no region's.
	InsightsURL *url.URL
	// TokenURL is the OAuth token endpoint; only service accounts need it.
	TokenURL *url.URL

	// Either an API key, or the pair of a service account.
	APIKey       secret.String
	ClientID     string
	ClientSecret secret.String

	// OrgID names the organization where the credential sees several.
	OrgID     string
	UserAgent string

	// MaxInFlight bounds the requests at once; 0 means 16.
	MaxInFlight int
	// Timeout bounds one attempt, body included; 0 means 300 seconds.
	Timeout time.Duration
	// Transport carries the requests; nil means a tuned one of the client's own, which
	// uses no proxy.
	Transport http.RoundTripper
	// Logger must not be nil.
	Logger *slog.Logger
	// Observe is told of every attempt when it has ended, those to get a token
	// included; nil means nobody. It may be called from several goroutines at once.
	Observe func(RequestInfo)
}

// RequestInfo describes one attempt of a request.
type RequestInfo struct {
	Method string
	Route  string // pattern, such as /api/v2/usergroups/{id}/members
	Status int    // HTTP status; 0 when none arrived
	// Attempt counts from 1.
	Attempt int
	// InFlight is how many requests were under way when it was sent, itself included.
	InFlight int
	// Duration is from sending to the end of the body, Waited what pacing and the
	// bound of requests at once took before.
	Duration, Waited time.Duration
}

// Client reads and changes one organization. It is safe for concurrent use.
type Client struct {
	base    *url.URL
	events  *url.URL // where Directory Insights is
	orgID   string
	agent   string
	timeout time.Duration
	http    *http.Client
	auth    authenticator
	limiter *limiter.Limiter
	retries *limiter.RetryPolicy
	logger  *slog.Logger
	observe func(RequestInfo)

	short shortcuts
	// moreFields of users are read beside those that always are.
	moreFields atomic.Pointer[[]string]
	// selection is the organization that requests name where the configuration names
	// none, and orgRoutes what routes answer to that: their patterns, and true where
	// they take it.
	selection atomic.Pointer[string]
	orgRoutes sync.Map
	// reached says that the server has answered before, granted that it gave what was
	// asked for.
	reached, granted atomic.Bool
}

// LimitPauses bounds how long a request that failed is kept waiting for further attempts,
// for a caller who waits by itself ([Error.RetryAfter]). It must be called before the
// first request.
func (c *Client) LimitPauses(most time.Duration) { c.retries.MaxPauses = most }

// New checks a configuration and makes a client of it. It sends nothing.
func New(cfg Config) (*Client, error) {
	if err := checkURL("base URL", cfg.BaseURL); err != nil {
		return nil, err
	}
	transport := cfg.Transport
	if transport == nil {
		transport = NewTransport(nil, nil)
	}
	timeout := cfg.Timeout
	if timeout <= 0 {
		timeout = defaultTimeout
	}
	inFlight := cfg.MaxInFlight
	if inFlight <= 0 {
		inFlight = defaultMaxInFlight
	}
	client := &Client{
		base:    cfg.BaseURL,
		events:  insightsOf(cfg.BaseURL),
		orgID:   cfg.OrgID,
		agent:   cfg.UserAgent,
		timeout: timeout,
		http:    newHTTPClient(transport),
		limiter: limiter.New(inFlight),
		retries: new(limiter.RetryPolicy),
		logger:  cfg.Logger,
		observe: cfg.Observe,
	}
	if cfg.InsightsURL != nil {
		if err := checkURL("address of Directory Insights", cfg.InsightsURL); err != nil {
			return nil, err
		}
		client.events = cfg.InsightsURL
	}
	client.short.prepare()
	if client.observe == nil {
		client.observe = func(RequestInfo) {}
	}
	if err := client.authenticateWith(cfg); err != nil {
		return nil, err
	}
	return client, nil
}

// Select names the organization that further requests are about, as far as the
// configuration names none: a credential that is exchanged for one of another
// organization is then refused. A route that refuses the name is asked without it.
func (c *Client) Select(orgID string) { c.selection.Store(&orgID) }

// organization is the one that a request of a route names, "" for none, and whether
// the route may be asked without it.
func (c *Client) organization(route Route) (id string, optional bool) {
	switch selected := c.selection.Load(); {
	case strings.HasPrefix(route.Pattern, routeOrganizations.Pattern):
		return "", false
	case c.orgID != "":
		return c.orgID, false
	case selected == nil:
		return "", false
	default:
		if takes, known := c.orgRoutes.Load(route.Pattern); known && takes == false {
			return "", false
		}
		return *selected, true
	}
}

// authenticateWith takes the one credential that the configuration holds.
func (c *Client) authenticateWith(cfg Config) error {
	pair := cfg.ClientID != "" || !cfg.ClientSecret.Empty()
	switch {
	case pair && !cfg.APIKey.Empty():
		return errors.New("both an API key and a service account are set; set one of them")
	case pair && (cfg.ClientID == "" || cfg.ClientSecret.Empty()):
		return errors.New("a service account needs both its client id and its client secret")
	case pair:
		if err := checkURL("token URL", cfg.TokenURL); err != nil {
			return err
		}
		c.auth = newServiceAccount(cfg, c.http, c.observe)
	case cfg.APIKey.Empty():
		return errors.New("no credential is set: set an API key, or the client ID and secret of a service account")
	default:
		c.auth = apiKey{key: cfg.APIKey}
	}
	return nil
}

// Region returns the console and the OAuth token endpoint of a JumpCloud region:
// us, eu or in. A key is known in its own region only.
func Region(name string) (base, token *url.URL, err error) {
	var infix string
	switch strings.ToLower(name) {
	case "us":
	case "eu":
		infix = "eu."
	case "in":
		infix = "in."
	default:
		return nil, nil, fmt.Errorf("unknown region %q: use us, eu, in or a base URL", name)
	}
	base = &url.URL{Scheme: "https", Host: "console." + infix + "jumpcloud.com"}
	token = &url.URL{Scheme: "https", Host: "admin-oauth.id." + infix + "jumpcloud.com", Path: "/oauth2/token"}
	return base, token, nil
}

// checkURL refuses what would send a credential in clear or to an unexpected place.
func checkURL(name string, u *url.URL) error {
	switch {
	case u == nil || u.Host == "":
		return fmt.Errorf("the %s is missing", name)
	case u.User != nil:
		return fmt.Errorf("the %s must not contain a user name or password", name)
	case u.RawQuery != "" || u.Fragment != "":
		return fmt.Errorf("the %s must end with its path", name)
	case u.Scheme == "https":
		return nil
	case u.Scheme == "http" && isLoopback(u.Hostname()):
		return nil
	default:
		return fmt.Errorf("the %s must begin with https:// (http:// is allowed for loopback addresses only)", name)
	}
}

// isLoopback reports whether a host name can only mean this machine.
func isLoopback(host string) bool {
	if identity.Equal(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// authenticator puts a credential on requests.
type authenticator interface {
	// apply sets the request's header. The mark it returns names the credential
	// that was used.
	apply(ctx context.Context, header http.Header) (mark uint64, err error)
	// renew is called when the credential with the mark was refused, and reports
	// whether asking again can help.
	renew(mark uint64) bool
	// secrets are what no text may show.
	secrets() []secret.String
}

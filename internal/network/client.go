package network

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"sync/atomic"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/config"
	"github.com/conductorone/baton-jumpcloud/internal/console"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/version"
)

// tokenPath is where a server that is not one of JumpCloud's regions is asked for
// the tokens of service accounts.
const tokenPath = "/oauth2/token" //nolint:gosec // It is a path, not a token.

// Traffic is the way that the requests of one run take, and counts them. It is
// safe for concurrent use.
type Traffic struct {
	requests, retries, refused, waited, underway atomic.Int64
	// most is how many requests were under way at once at most.
	most atomic.Int64

	// Transport carries them; nil means one of the client's own. Tell is told of
	// each attempt; nil means nobody.
	Transport http.RoundTripper
	Tell      func(jumpcloud.RequestInfo)
}

// observe counts one attempt.
func (t *Traffic) observe(i jumpcloud.RequestInfo) {
	t.requests.Add(1)
	if i.Attempt > 1 {
		t.retries.Add(1)
	}
	if i.Status == http.StatusTooManyRequests {
		t.refused.Add(1)
	}
	for n := int64(i.InFlight); ; {
		most := t.most.Load()
		if n <= most || t.most.CompareAndSwap(most, n) {
			break
		}
	}
	t.waited.Add(int64(i.Waited))
	t.underway.Add(int64(i.Duration))
	if t.Tell != nil {
		t.Tell(i)
	}
}

// Report writes what was counted into an outcome.
func (t *Traffic) Report(o *console.Outcome) {
	o.Requests, o.Retries, o.Refused = t.requests.Load(), t.retries.Load(), t.refused.Load()
	o.InFlight, o.Underway, o.Waited = t.most.Load(), time.Duration(t.underway.Load()), time.Duration(t.waited.Load())
}

// NewClient makes the client that the settings describe.
func NewClient(settings config.JumpCloud, workers int, logger *slog.Logger, count *Traffic) (*jumpcloud.Client, error) {
	base, token, err := Endpoints(settings)
	if err != nil {
		return nil, err
	}
	c := jumpcloud.Config{
		BaseURL: base, InsightsURL: settings.InsightsURL, TokenURL: token, OrgID: settings.OrgID,
		UserAgent:   version.Program + "/" + version.Read().Version,
		MaxInFlight: workers, Timeout: settings.Timeout, Logger: logger, Observe: count.observe, Transport: count.Transport,
	}
	if settings.AuthMethod == config.GroupServiceAccount {
		c.ClientID, c.ClientSecret = settings.ClientID, settings.ClientSecret
	} else {
		c.APIKey = settings.APIKey
	}
	client, err := jumpcloud.New(c)
	if err != nil {
		return nil, fmt.Errorf("set up JumpCloud client: %w", err)
	}
	return client, nil
}

// Endpoints are the console and the token endpoint of the settings.
func Endpoints(settings config.JumpCloud) (base, token *url.URL, err error) {
	if settings.BaseURL == nil {
		return jumpcloud.Region(settings.Region)
	}
	for _, region := range regions() {
		base, token, err := jumpcloud.Region(region)
		if err != nil {
			return nil, nil, err
		}
		if base.Host == settings.BaseURL.Host {
			return settings.BaseURL, token, nil
		}
	}
	return settings.BaseURL, settings.BaseURL.JoinPath(tokenPath), nil
}

// regions are the names that --region takes.
func regions() []string {
	options := config.Options()
	i := slices.IndexFunc(options, func(o config.Option) bool { return o.Name == "region" })
	return options[i].OneOf
}

// AnnounceHost names a host that is none of JumpCloud's own before the credential
// is sent there. It writes to stderr whatever is logged, and where.
func AnnounceHost(stderr io.Writer, settings config.JumpCloud) error {
	host := ForeignHost(settings)
	if host == "" {
		return nil
	}
	_, err := fmt.Fprintf(stderr, "warning: the credential goes to %s, which is not a JumpCloud region\n", host)
	return err
}

// ForeignHost is the host of the settings where it is none of JumpCloud's own, else "".
func ForeignHost(settings config.JumpCloud) string {
	if settings.BaseURL == nil {
		return ""
	}
	for _, region := range regions() {
		if base, _, err := jumpcloud.Region(region); err == nil && base.Host == settings.BaseURL.Host {
			return ""
		}
	}
	return settings.BaseURL.Host
}

package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	fetchTimeout = 30 * time.Second
	maxKeySet    = 1 << 20
	// minRefresh and maxRefresh bound what a server says of how long its keys are good.
	minRefresh = 5 * time.Minute
	maxRefresh = 12 * time.Hour
)

// ParseKey reads one public JSON Web Key. Its errors quote nothing of it.
func ParseKey(text string) (jose.JSONWebKey, error) {
	var key jose.JSONWebKey
	if err := key.UnmarshalJSON([]byte(text)); err != nil {
		return key, errors.New("value is not a JSON Web Key of a supported kind")
	}
	if !key.IsPublic() {
		return key, errors.New("value is a private or symmetric key: give the public one")
	}
	return key, nil
}

// Keys is a set of keys that a server publishes. It is safe for concurrent use.
type Keys struct {
	url    string
	client *http.Client
	logger *slog.Logger
	set    atomic.Pointer[[]jose.JSONWebKey]
	stop   context.CancelFunc
	ended  sync.WaitGroup
}

// KeysOptions say where keys are fetched; all are required.
type KeysOptions struct {
	// URL is an https address, or an http one of this machine.
	URL       string
	Transport http.RoundTripper
	Logger    *slog.Logger
}

// FetchKeys fetches a set of keys and keeps it current, as long as its Cache-Control
// says but at least five minutes and at most twelve hours each. A set that cannot be
// fetched again stays. Close ends that.
func FetchKeys(ctx context.Context, o KeysOptions) (*Keys, error) {
	u, err := url.Parse(o.URL)
	if err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())) {
		return nil, errors.New("value must be an https:// address")
	}
	k := &Keys{
		url: o.URL, logger: o.Logger,
		client: &http.Client{Transport: o.Transport, Timeout: fetchTimeout},
	}
	wait, err := k.fetch(ctx)
	if err != nil {
		return nil, err
	}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	k.stop = stop
	k.ended.Go(func() { k.refresh(background, wait) })
	return k, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Current are the keys that were fetched last.
func (k *Keys) Current() []jose.JSONWebKey { return *k.set.Load() }

// Close ends refreshing and waits for it.
func (k *Keys) Close() {
	k.stop()
	k.ended.Wait()
	k.client.CloseIdleConnections()
}

func (k *Keys) refresh(ctx context.Context, wait time.Duration) {
	for {
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		next, err := k.fetch(ctx)
		if err != nil {
			if ctx.Err() == nil {
				k.logger.WarnContext(ctx, "signing keys not refreshed; the previous ones stay", "error", err)
			}
			next = minRefresh
		}
		wait = next
	}
}

// fetch fetches the set once, and says how long it is good.
func (k *Keys) fetch(ctx context.Context) (time.Duration, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, k.url, http.NoBody)
	if err != nil {
		return 0, fmt.Errorf("fetch signing keys: %w", err)
	}
	req.Header.Set("Accept", "application/json")
	resp, err := k.client.Do(req)
	if err != nil {
		return 0, fmt.Errorf("fetch signing keys: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxKeySet+1))
	switch {
	case err != nil:
		return 0, fmt.Errorf("fetch signing keys: %w", err)
	case resp.StatusCode != http.StatusOK:
		return 0, fmt.Errorf("fetch signing keys: the server answered %s", resp.Status)
	case len(body) > maxKeySet:
		return 0, fmt.Errorf("fetch signing keys: the response is longer than %d bytes", maxKeySet)
	}
	keys, err := parseSet(body)
	if err != nil {
		return 0, fmt.Errorf("fetch signing keys: %w", err)
	}
	k.set.Store(&keys)
	return lifetime(resp.Header.Get("Cache-Control")), nil
}

// parseSet reads a JSON Web Key Set and keeps the public keys of kinds that are
// supported.
func parseSet(body []byte) ([]jose.JSONWebKey, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(body, &set); err != nil || set.Keys == nil {
		return nil, errors.New("the response is not a JSON Web Key Set")
	}
	keys := []jose.JSONWebKey{}
	for _, text := range set.Keys {
		if key, err := ParseKey(string(text)); err == nil {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("the response contains no public key of a supported kind")
	}
	return keys, nil
}

// lifetime is how long an answer may be kept, by its Cache-Control.
func lifetime(cacheControl string) time.Duration {
	age := time.Duration(0)
	for directive := range strings.SplitSeq(strings.ToLower(cacheControl), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		switch name {
		case "no-store", "no-cache":
			return minRefresh
		case "max-age":
			seconds, err := strconv.ParseInt(strings.Trim(value, `"`), 10, 64)
			if err != nil || seconds < 0 {
				continue
			}
			age = time.Duration(min(seconds, int64(maxRefresh/time.Second))) * time.Second
		}
	}
	return min(max(age, minRefresh), maxRefresh)
}

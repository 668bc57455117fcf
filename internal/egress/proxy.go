package egress

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpproxy"
)

// The variables that name proxies, the stronger first. All are read in small letters
// too, which have less weight, as in Go's own client.
const (
	envHTTPS = "HTTPS_PROXY" // for addresses that begin with https://
	envHTTP  = "HTTP_PROXY"  // for those that begin with http://
	envAll   = "ALL_PROXY"   // for both, where the others are not set
	envNo    = "NO_PROXY"    // hosts that are reached without
)

// Proxies says through which proxy a host is reached. It is safe for concurrent use. A
// nil one is for a network without proxies.
type Proxies struct {
	proxy func(*url.URL) (*url.URL, error)
	// names are the variables that the proxies of a scheme come from, empty for none.
	names map[string]string
}

// ProxiesFrom reads the proxies that the environment names, with a function like
// [os.LookupEnv]. A value that is not the address of a proxy is an error, which does
// not repeat it: it may hold a password.
func ProxiesFrom(lookup func(string) (string, bool)) (*Proxies, error) {
	p := &Proxies{names: make(map[string]string)}
	config := httpproxy.Config{NoProxy: first(lookup, envNo).value}
	method, _ := lookup("REQUEST_METHOD")
	config.CGI = method != ""
	for _, scheme := range []struct {
		name  string
		proxy *string
		envs  []string
	}{
		{"https", &config.HTTPSProxy, []string{envHTTPS, envAll}},
		{"http", &config.HTTPProxy, []string{envHTTP, envAll}},
	} {
		for _, env := range scheme.envs {
			setting := first(lookup, env)
			if setting.value == "" {
				continue
			}
			parsed, err := parseProxy(setting.value)
			if err != nil {
				return nil, &ProxyError{Setting: setting.name, Err: err}
			}
			*scheme.proxy, p.names[scheme.name] = parsed.String(), setting.name
			break
		}
	}
	p.proxy = config.ProxyFunc()
	return p, nil
}

// setting is a variable and its value; both are empty where it is not set.
type setting struct{ name, value string }

// first finds a variable, in capitals or else in small letters.
func first(lookup func(string) (string, bool), name string) setting {
	for _, name := range []string{name, strings.ToLower(name)} {
		if value, _ := lookup(name); strings.TrimSpace(value) != "" {
			return setting{name, strings.TrimSpace(value)}
		}
	}
	return setting{}
}

// ProxyError is a variable whose value is not a proxy address.
type ProxyError struct {
	Setting string
	Err     error
}

// Error names the variable and not its value.
func (e *ProxyError) Error() string { return e.Setting + ": " + e.Err.Error() }

// Unwrap returns what is wrong.
func (e *ProxyError) Unwrap() error { return e.Err }

// Hints says how a password is written in an address.
func (e *ProxyError) Hints() []string {
	return []string{"write it as http://proxy.example:3128, with user:password@ before the host if needed; in these escape % as %25, # as %23, / as %2F, ? as %3F, @ as %40 and a space as %20"}
}

// scheme matches what may stand before :// and is worth repeating.
var scheme = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9+.-]{0,11}$`) //nolint:gochecknoglobals // A constant, but for the language.

// parseProxy reads the address of a proxy: a URL, or a host with or without a port,
// which is one of HTTP. It is stricter than Go's own parser, which makes another
// address out of one that it cannot read.
func parseProxy(text string) (*url.URL, error) {
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	name, _, _ := strings.Cut(text, "://")
	if !slices.Contains([]string{"http", "https", "socks5", "socks5h"}, strings.ToLower(name)) {
		if scheme.MatchString(name) {
			return nil, fmt.Errorf("unsupported scheme %s: use http, https, socks5 or socks5h", name)
		}
		return nil, errors.New("value is not a proxy address")
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, errors.New("value is not a proxy address: it contains a character that must be escaped, or an invalid port")
	}
	u.Scheme = strings.ToLower(u.Scheme)
	port, err := strconv.Atoi(u.Port())
	switch {
	case u.Hostname() == "":
		return nil, errors.New("value has no host")
	case u.Port() != "" && (err != nil || port < 1 || port > 65535):
		return nil, errors.New("value must have a port from 1 to 65535")
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		// A password with one of these characters in it ends the address early, and what
		// is before it is taken for host and port.
		return nil, errors.New("value is not a proxy address: unexpected text after host and port")
	case strings.ContainsAny(u.Hostname(), " \t\"<>\\^`{|}"):
		return nil, errors.New("value has an invalid host")
	}
	u.Path = ""
	return u, nil
}

// For is the proxy that an address is reached through, nil for none.
func (p *Proxies) For(target *url.URL) (*url.URL, error) {
	if p == nil {
		return nil, nil //nolint:nilnil // No proxy is an answer.
	}
	return p.proxy(target)
}

// Request is For, for [http.Transport].
func (p *Proxies) Request(r *http.Request) (*url.URL, error) { return p.For(r.URL) }

// Describe names the proxy that an address is reached through, without its user and
// password, and the variable that it comes from. Both are empty for none.
func (p *Proxies) Describe(target *url.URL) (proxy, variable string) {
	u, err := p.For(target)
	if err != nil || u == nil {
		return "", ""
	}
	shown := *u
	shown.User = nil
	return shown.String(), p.names[target.Scheme]
}

// OnlyPlain reports whether an address that begins with https:// would be reached
// through a proxy if it began with http://, and is not.
func (p *Proxies) OnlyPlain(target *url.URL) bool {
	plain := *target
	plain.Scheme = "http"
	proxy, _ := p.Describe(&plain)
	return p != nil && p.names["https"] == "" && proxy != ""
}

package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/conductorone/baton-jumpcloud/internal/redact"
)

const (
	// jumpcloudDomain ends the host names of JumpCloud, and consolePrefix begins those
	// of its consoles, which serve the API.
	jumpcloudDomain = "jumpcloud.com"
	consolePrefix   = "console."
	// collectorPort is where collectors take OTLP over gRPC.
	collectorPort = "4317"
)

const exampleBaseURL = "https://console.jumpcloud.com"

// parseBaseURL reads the address of a console, in the forms that people have it in:
// with the path that requests go to, as other products ask for it, or as it stands in
// a browser. The note says what was taken off or put before it; empty for nothing.
func parseBaseURL(text string) (base *url.URL, note string, err error) {
	given := text
	if err := checkToken(text); err != nil {
		return nil, "", err
	}
	if host, _, _ := strings.Cut(text, "/"); !strings.Contains(text, "://") && isConsole(strings.ToLower(host)) {
		text = "https://" + text
	}
	base, err = url.Parse(text)
	if err != nil {
		// The error of the parser quotes the text, which may hold a password.
		return nil, "", errors.New("value must be an address as in " + exampleBaseURL)
	}
	base.Scheme = strings.ToLower(base.Scheme)
	switch {
	case base.Scheme != "https" && base.Scheme != "http", isNumber(base.Hostname()):
		return nil, "", fmt.Errorf("value must be an address as in %s but got '%s'", exampleBaseURL, redact.Value(text))
	case base.User != nil:
		return nil, "", fmt.Errorf("value must be an address without user, query and fragment but got '%s'", redact.Value(text))
	case redact.Value(base.Hostname()) != base.Hostname():
		// It would be asked of name servers.
		return nil, "", errors.New("value must be an address as in " + exampleBaseURL + ", and its host looks like an API key")
	}
	if err := checkPort(base.Port()); err != nil {
		return nil, "", err
	}
	host := strings.TrimSuffix(strings.ToLower(base.Hostname()), ".")
	if base.Scheme == "http" && !isLoopback(host) {
		return nil, "", fmt.Errorf("value must begin with https:// but got '%s': http:// is allowed for loopback addresses only", redact.Value(text))
	}
	base.Host = hostPort(host, base.Port(), map[string]string{"https": "443", "http": "80"}[base.Scheme])
	if isConsole(host) {
		// The API is at the root, whatever page a browser was at.
		base.Path, base.RawPath, base.RawQuery, base.ForceQuery, base.Fragment, base.RawFragment = "", "", "", false, "", ""
	}
	if base.RawQuery != "" || base.Fragment != "" {
		return nil, "", fmt.Errorf("value must be an address without user, query and fragment but got '%s'", redact.Value(text))
	}
	base.Path, base.RawPath = withoutAPI(base.Path), ""
	if strings.TrimRight(strings.ToLower(given), "/") != strings.ToLower(base.String()) {
		note = fmt.Sprintf("using base URL %[2]s instead of %[1]s", redact.Value(given), base)
	}
	return base, note, nil
}

// isConsole reports whether a host is one of JumpCloud's consoles.
func isConsole(host string) bool {
	return strings.HasPrefix(host, consolePrefix) && strings.HasSuffix(host, "."+jumpcloudDomain)
}

// apiRoute matches the API's routes, whole or their beginning, at the end of a path.
//
//nolint:gochecknoglobals // A constant, but for the language.
var apiRoute = regexp.MustCompile(`(?i)/api(/v[12])?(/(organizations|systemusers|search|users|usergroups|groups|applications|roles)(/.*)?)?$`)

// withoutAPI takes a route of the API, or its beginning, off the end of a path, and
// slashes that are there twice.
func withoutAPI(path string) string {
	words := strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
	if len(words) == 0 {
		return ""
	}
	return apiRoute.ReplaceAllString("/"+strings.Join(words, "/"), "")
}

// isLoopback reports whether a host can only mean this machine.
func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// hostPort joins a host with a port, unless that is the one it has anyway.
func hostPort(host, port, usual string) string {
	if port == "" || port == usual {
		if strings.Contains(host, ":") {
			return "[" + host + "]"
		}
		return host
	}
	return net.JoinHostPort(host, port)
}

// checkPort refuses what is no port; none is allowed.
func checkPort(port string) error {
	if n, err := strconv.Atoi(port); port != "" && (err != nil || n < 1 || n > 65535) {
		return errors.New("value must have a port from 1 to 65535")
	}
	return nil
}

// checkHost refuses what is not a host, or a host and a port.
func checkHost(text string) error {
	const want = "value must be HOST or HOST:PORT, such as acme.conductor.one"
	if err := checkToken(text); err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		host, port = text, ""
	}
	if strings.ContainsAny(host, `/@?#\%"<>`) || strings.Contains(host, ":") && !isIPv6(host) || isNumber(host) {
		return fmt.Errorf("%s, but got '%s'", want, redact.Value(text))
	}
	return checkPort(port)
}

// isNumber reports whether a host is made of digits and is no address of a machine, as
// a port that was given alone.
func isNumber(host string) bool {
	return strings.Trim(host, "0123456789.") == "" && net.ParseIP(host) == nil
}

func isIPv6(host string) bool {
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && ip.Is6()
}

// parseCollector reads the address of an OpenTelemetry collector: host:port, or a URL,
// whose scheme says whether it is without TLS.
func parseCollector(text string) (target string, plain bool, err error) {
	wrong := func(format string, args ...any) (string, bool, error) {
		return "", false, fmt.Errorf("value must be host:port or a URL, as in collector.example:4317, but got '%s'"+format, append([]any{redact.Value(text)}, args...)...)
	}
	address := text
	if !strings.Contains(text, "://") {
		address = "https://" + text
	}
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || checkToken(u.Hostname()) != nil || isNumber(u.Hostname()) {
		return wrong("")
	}
	switch scheme := strings.ToLower(u.Scheme); {
	case scheme != "http" && scheme != "https":
		return wrong(": its scheme must be http or https")
	case u.User != nil, u.RawQuery != "", u.Fragment != "":
		return wrong(": it must not have a user, a query or a fragment")
	case strings.TrimRight(u.Path, "/") != "":
		return wrong(": it must not have a path; traces and logs are sent as OTLP over gRPC (collectors usually listen on port %s), not over HTTP", collectorPort)
	case checkPort(u.Port()) != nil:
		return wrong(": its port must be from 1 to 65535")
	}
	port := u.Port()
	if port == "" {
		port = collectorPort
	}
	return net.JoinHostPort(u.Hostname(), port), strings.EqualFold(u.Scheme, "http"), nil
}

// checkBindAddress refuses what is no address of this machine.
func checkBindAddress(text string) error {
	host := strings.Trim(text, "[]")
	if checkToken(host) != nil || strings.ContainsAny(host, "/@?#") || strings.Contains(host, ":") && !isIPv6(host) {
		return fmt.Errorf("value must be an IP address or a hostname without a port, such as 127.0.0.1, but got '%s'", redact.Value(text))
	}
	return nil
}

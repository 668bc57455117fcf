package egress_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/conductorone/baton-jumpcloud/internal/egress"
)

func lookup(env map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := env[name]; return v, ok }
}

// TestProxiesFrom asks which proxy an address is reached through.
func TestProxiesFrom(t *testing.T) {
	t.Parallel()
	type env = map[string]string
	const console = "https://console.jumpcloud.com/api"
	for name, tt := range map[string]struct {
		env    env
		target string
		want   string // with the variable behind it
	}{
		"none":                        {env{}, console, " "},
		"of HTTPS":                    {env{"HTTPS_PROXY": "http://proxy.example:3128"}, console, "http://proxy.example:3128 HTTPS_PROXY"},
		"in small letters":            {env{"https_proxy": "http://proxy.example:3128"}, console, "http://proxy.example:3128 https_proxy"},
		"capitals outweigh":           {env{"HTTPS_PROXY": "http://a.example", "https_proxy": "http://b.example"}, console, "http://a.example HTTPS_PROXY"},
		"host and port":               {env{"HTTPS_PROXY": "proxy.example:3128"}, console, "http://proxy.example:3128 HTTPS_PROXY"},
		"host":                        {env{"HTTPS_PROXY": "proxy.example/"}, console, "http://proxy.example HTTPS_PROXY"},
		"user without a scheme":       {env{"HTTPS_PROXY": "svc:pw@proxy.example:3128"}, console, "http://proxy.example:3128 HTTPS_PROXY"},
		"password that is escaped":    {env{"HTTPS_PROXY": "http://svc:S3cr%25t%23%2FPw@proxy.example:3128"}, console, "http://proxy.example:3128 HTTPS_PROXY"},
		"over TLS":                    {env{"HTTPS_PROXY": "HTTPS://proxy.example"}, console, "https://proxy.example HTTPS_PROXY"},
		"socks":                       {env{"HTTPS_PROXY": "socks5://proxy.example:1080"}, console, "socks5://proxy.example:1080 HTTPS_PROXY"},
		"IPv6":                        {env{"HTTPS_PROXY": "http://[2001:db8::1]:3128"}, console, "http://[2001:db8::1]:3128 HTTPS_PROXY"},
		"line break":                  {env{"HTTPS_PROXY": " http://proxy.example:3128\r\n"}, console, "http://proxy.example:3128 HTTPS_PROXY"},
		"of all":                      {env{"ALL_PROXY": "socks5h://proxy.example:1080"}, console, "socks5h://proxy.example:1080 ALL_PROXY"},
		"of all, in small letters":    {env{"all_proxy": "proxy.example"}, console, "http://proxy.example all_proxy"},
		"its own outweighs all":       {env{"ALL_PROXY": "a.example", "https_proxy": "b.example"}, console, "http://b.example https_proxy"},
		"of HTTP is not for HTTPS":    {env{"HTTP_PROXY": "http://proxy.example:3128"}, console, " "},
		"excepted":                    {env{"HTTPS_PROXY": "proxy.example", "NO_PROXY": "other.example, .jumpcloud.com"}, console, " "},
		"excepted, in small letters":  {env{"HTTPS_PROXY": "proxy.example", "no_proxy": "console.jumpcloud.com:443"}, console, " "},
		"all excepted":                {env{"HTTPS_PROXY": "proxy.example", "NO_PROXY": "*"}, console, " "},
		"not excepted":                {env{"HTTPS_PROXY": "proxy.example", "NO_PROXY": "jumpcloud.example"}, console, "http://proxy.example HTTPS_PROXY"},
		"this machine":                {env{"HTTPS_PROXY": "proxy.example"}, "https://127.0.0.1:8443", " "},
		"plain":                       {env{"http_proxy": "proxy.example"}, "http://jc.example", "http://proxy.example http_proxy"},
		"plain on behalf of somebody": {env{"HTTP_PROXY": "proxy.example", "REQUEST_METHOD": "GET"}, "http://jc.example", " "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := egress.ProxiesFrom(lookup(tt.env))
			if err != nil {
				t.Fatal(err)
			}
			target, err := url.Parse(tt.target)
			if err != nil {
				t.Fatal(err)
			}
			if proxy, variable := p.Describe(target); proxy+" "+variable != tt.want {
				t.Errorf("proxy %q of %q, want %q", proxy, variable, tt.want)
			}
			if got, want := p.OnlyPlain(target), name == "of HTTP is not for HTTPS"; got != want && target.Scheme == "https" {
				t.Errorf("only for http://: %v", got)
			}
		})
	}
}

// TestProxiesThatAreNone gives addresses that Go's own parser drops, or makes another
// address of.
func TestProxiesThatAreNone(t *testing.T) {
	t.Parallel()
	for _, value := range []string{
		"http://svc:S3cr%tPw@proxy.example:3128", "http://svc:S3cr#tPw@proxy.example:3128", "http://svc:S3cr/tPw@proxy.example:3128", "http://svc:S3cr?tPw@proxy.example:3128",
		"svc:S3cr%tPw@proxy.example:3128", "svc:S3cr#tPw@proxy.example:3128", "svc:S3cr/tPw@proxy.example:3128",
		"http://svc:12#S3crtPw@proxy.example:3128", "http://svc:12/S3crtPw@proxy.example:3128", "http://svc:12?S3crtPw@proxy.example:3128", "svc:12/S3crtPw@proxy.example",
		"http://svc:S3cr tPw@proxy.example:3128", "http://svc:S3cr\tPw@proxy.example:3128", "http://svc:S3cr\nPw@proxy.example", `http://svc:S3cr\tPw@proxy.example`,
		"socks4://S3cr@proxy.example:1080", "ftp://S3cr@proxy.example", "socks://proxy.example", "S3crS3crS3crS3cr://proxy.example", "http://", "http://:3128", "://proxy.example",
		"http://proxy.example:0", "http://proxy.example:99999", "http://proxy.example:S3cr", "http://proxy.example:3128/S3cr", "http://proxy example:3128", "http//proxy.example:3128", "http:/proxy.example:3128",
	} {
		for _, name := range []string{"HTTPS_PROXY", "https_proxy", "ALL_PROXY", "HTTP_PROXY"} {
			_, err := egress.ProxiesFrom(lookup(map[string]string{name: value}))
			wrong, ok := errors.AsType[*egress.ProxyError](err)
			if !ok || wrong.Setting != name || !strings.HasPrefix(err.Error(), name+": ") || strings.Contains(err.Error(), "S3cr") || strings.Contains(err.Error(), "tPw") {
				t.Errorf("%s=%q: error = %v", name, value, err)
			}
		}
	}
}

// A proxy that another one outweighs is not asked for, and neither is its address.
func TestProxyThatIsOutweighed(t *testing.T) {
	t.Parallel()
	if _, err := egress.ProxiesFrom(lookup(map[string]string{"HTTPS_PROXY": "a.example", "HTTP_PROXY": "b.example", "ALL_PROXY": "socks4://c.example", "https_proxy": "%"})); err != nil {
		t.Error(err)
	}
}

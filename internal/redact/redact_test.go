package redact_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/conductorone/baton-jumpcloud/internal/redact"
	"github.com/conductorone/baton-jumpcloud/internal/secret"
)

const (
	jws    = "eyJhbGciOiJFZERTQSIsIm5vbmNlIjoiYWJjIn0.eyJpc3MiOiJhQGIvYyIsInN1YiI6ImFAYi9jIn0.c2lnbmF0dXJlLW9mLWFuLWFzc2VydGlvbi1vZi1vdXJz"
	legacy = "0123456789abcdef0123456789abcdef01234567"
)

func TestText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"no token (HTTP 401): assertion " + jws + " is stale": "no token (HTTP 401): assertion [redacted] is stale",
		"cut to " + jws[:60]:                                                "cut to [redacted]",
		"form " + url.QueryEscape(jws) + "&grant":                           "form [redacted]&grant",
		"dots as %2E: " + strings.ReplaceAll(jws, ".", "%2E"):               "dots as %2E: [redacted]",
		`{"client_assertion":"` + jws + `"}`:                                `{"client_assertion":"[redacted]"}`,
		"key jca_0123456789abcdefABCDEF was refused":                        "key [redacted] was refused",
		"secret-token:conductorone.com:v1:eyJrdHkiOiJPS1AiLCJkIjoiYSJ9.":    "[redacted].",
		"Authorization: Bearer K7XQ2M5PJ3T6 refused":                        "Authorization: Bearer [redacted] refused",
		"basic YWNjb3VudDphY2NvdW50LXNlY3JldA==":                            "basic [redacted]",
		"Basic authentication is not offered":                               "Basic authentication is not offered",
		"proxy http://svc:S3cret@proxy.example:3128 refused":                "proxy http://[redacted]@proxy.example:3128 refused",
		"https://jca_0123456789abcdef@console.jumpcloud.com":                "https://[redacted]@console.jumpcloud.com",
		"client id eager-otter-1@acme.conductor.one/abc":                    "client id eager-otter-1@acme.conductor.one/abc",
		"GET /api/v2/usergroups/64b000000000000000000001/members: HTTP 500": "GET /api/v2/usergroups/64b000000000000000000001/members: HTTP 500",
		"commit " + legacy:                                                  "commit " + legacy,
		"field api-key: value must be a string: quote it":                   "field api-key: value must be a string: quote it",
		"": "",
	} {
		if got := redact.Text(text); got != want {
			t.Errorf("Text(%q) =\n%q, want\n%q", text, got, want)
		}
	}
}

// What is known is taken out whatever it looks like, also in part and escaped.
func TestKnown(t *testing.T) {
	t.Parallel()
	known := secret.New("correct horse/battery+staple-of-1936")
	for text, want := range map[string]string{
		"you sent correct horse/battery+staple-of-1936!":            "you sent [redacted]!",
		"q=correct+horse%2Fbattery%2Bstaple-of-1936":                "q=[redacted]",
		"ends with staple-of-1936":                                  "ends with staple-of-1936",
		"a horse":                                                   "a horse",
		"signature " + strings.Split(jws, ".")[2] + " is not valid": "signature [redacted] is not valid",
		"..." + jws[len(jws)-20:] + "...":                           "[redacted]",
	} {
		if got := redact.Text(text, known, secret.New(jws), secret.New("abc"), secret.String{}); got != want {
			t.Errorf("Text(%q) =\n%q, want\n%q", text, got, want)
		}
	}
}

func TestLine(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"two\r\nlines\tof\x00 it\x1b[2J":  "two lines of it [2J",
		`{"x-api-key":["hunter2hunter"]}`: `{"x-api-key":["[redacted]"]}`,
		`{"X-Api-Key":"hunter"}`:          `{"X-Api-Key":"[redacted]"}`,
		"client_secret=hunter&a=b":        "client_secret=[redacted]&a=b",
		"x-api-key: Hunter2":              "x-api-key: [redacted]",
		"client_secret: expired":          "client_secret: expired",
		"key " + legacy:                   "key [redacted]",
	} {
		if got := redact.Line(text); got != want {
			t.Errorf("Line(%q) = %q, want %q", text, got, want)
		}
	}
	if got := redact.Line(strings.Repeat("ö ", 300)); utf8.RuneCountInString(got) != 201 || !strings.HasSuffix(got, "…") {
		t.Errorf("a long text is cut to %q", got)
	}
}

// A key where something else belongs is not repeated.
func TestValue(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"mars":                                   "mars",
		"provision-applications-and-groups":      "provision-applications-and-groups",
		"bid:r:grup/64b000000000000000000001":    "bid:r:grup/64b000000000000000000001",
		"64b000000000000000000001":               "64b000000000000000000001",
		legacy:                                   "[redacted]",
		"jca_0123":                               "[redacted]",
		"ZjM0NWY2YzctOGE5Yi00ZjJl":               "[redacted]",
		"https://Kj7dk29dkw9s8d7f6g5h.example/a": "https://[redacted].example/a",
		"https://u:hunter2@jc.example":           "https://[redacted]@jc.example",
		strings.Repeat("ö", 150):                 strings.Repeat("ö", 100) + "…",
	} {
		if got := redact.Value(text); got != want {
			t.Errorf("Value(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestHandler(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := slog.New(redact.Handler(slog.NewJSONHandler(&out, nil))).With("who", "jca_0123456789").WithGroup("g").With(slog.Group("h", "k", jws))
	log.Info("sent "+jws, "error", errors.New("refused "+jws), "paths", []string{"a", jws}, "n", 1, "auth", "Bearer "+base64.StdEncoding.EncodeToString([]byte("Token")))
	log.Debug("not enabled")
	if text := out.String(); strings.Contains(text, "eyJ") || strings.Contains(text, "jca_") || strings.Contains(text, "VG9r") || strings.Count(text, "[redacted]") != 6 || !strings.Contains(text, `"n":1`) {
		t.Errorf("log is %s", text)
	}
}

func FuzzText(f *testing.F) {
	f.Add("assertion " + jws)
	f.Fuzz(func(t *testing.T, text string) {
		planted := redact.Text(text + " " + jws + " " + text)
		if strings.Contains(planted, jws) {
			t.Errorf("Text keeps the signature: %q", planted)
		}
		once := redact.Text(text)
		if twice := redact.Text(once); twice != once {
			t.Errorf("Text(%q) = %q, and of that %q", text, once, twice)
		}
	})
}

// A known password is found in what quotes it: JSON, JSON within JSON, and Go strings, with
// every character that they escape.
func TestKnownIsFoundInQuotes(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	quote := []func(string) string{
		func(s string) string { b, _ := json.Marshal(s); return string(b) }, strconv.Quote, url.QueryEscape, func(s string) string { return s },
	}
	for range 3000 {
		password := make([]byte, 12+r.IntN(20))
		for i := range password {
			password[i] = byte(' ' + r.IntN('~'-' '+1))
		}
		value := strings.TrimSpace(string(password))
		inner, outer := quote[r.IntN(len(quote))], quote[r.IntN(2)]
		for _, text := range []string{inner(value), outer(`{"password":` + inner(value) + `}`)} {
			shown := redact.Text("you sent "+text, secret.New(value))
			for _, form := range []string{value, strconv.Quote(value), inner(value)} {
				if form = strings.Trim(form, `"`); strings.Contains(shown, form) {
					t.Fatalf("%q stands in %q", value, shown)
				}
			}
			if !strings.Contains(shown, "[redacted]") {
				t.Fatalf("%q is not found in %q", value, text)
			}
		}
	}
}

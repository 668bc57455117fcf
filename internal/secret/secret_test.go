package secret_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/conductorone/baton-jumpcloud/internal/secret"
)

const value = "jca_very_private"

type holder struct {
	Public  secret.String
	private secret.String
	Pointer *secret.String
	Map     map[string]secret.String
}

func TestStringIsNeverPrinted(t *testing.T) {
	t.Parallel()
	s := secret.New(value)
	h := holder{Public: s, private: s, Pointer: &s, Map: map[string]secret.String{"k": s}}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%10v"} {
		for name, printed := range map[string]string{
			"plain":   fmt.Sprintf(verb, s),
			"struct":  fmt.Sprintf(verb, h),
			"pointer": fmt.Sprintf(verb, &h),
		} {
			if leaks(printed) {
				t.Errorf("%s with %s shows the value: %q", name, verb, printed)
			}
		}
	}
	if got := s.String(); got != "[redacted]" {
		t.Errorf("String() = %q", got)
	}
}

func TestStringIsNeverEncoded(t *testing.T) {
	t.Parallel()
	s := secret.New(value)
	encoded, err := json.Marshal(holder{Public: s, private: s, Pointer: &s, Map: map[string]secret.String{"k": s}})
	if err != nil {
		t.Fatal(err)
	}
	if leaks(string(encoded)) {
		t.Errorf("json shows the value: %s", encoded)
	}
	keys, err := json.Marshal(map[secret.String]int{s: 1})
	if err != nil {
		t.Fatal(err)
	}
	if leaks(string(keys)) {
		t.Errorf("json shows the value as a key: %s", keys)
	}
}

func TestStringIsNeverLogged(t *testing.T) {
	t.Parallel()
	s := secret.New(value)
	var out bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(handler).Info("start", "key", s, "holder", holder{Public: s, private: s})
	}
	if leaks(out.String()) {
		t.Errorf("the log shows the value: %s", out.String())
	}
}

func TestStringReveals(t *testing.T) {
	t.Parallel()
	if got := secret.New(value).Reveal(); got != value {
		t.Errorf("Reveal() = %q, want %q", got, value)
	}
	var zero secret.String
	if !zero.Empty() || !secret.New("").Empty() || secret.New(value).Empty() {
		t.Error("Empty() is wrong")
	}
	if zero.Reveal() != "" {
		t.Error("the zero value reveals something")
	}
	if !secret.New(value).Equal(secret.New(value)) || secret.New(value).Equal(zero) || !zero.Equal(secret.New("")) {
		t.Error("Equal() is wrong")
	}
}

func leaks(s string) bool {
	return strings.Contains(s, value) || strings.Contains(s, fmt.Sprintf("%x", value)) || strings.Contains(s, fmt.Sprintf("%X", value))
}

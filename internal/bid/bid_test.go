package bid_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/conductorone/baton-jumpcloud/internal/bid"
)

func TestParseResource(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		want       bid.Resource
	}{
		{"plain", "bid:r:user/64b0", bid.Resource{Type: "user", ID: "64b0"}},
		{"with parent", "bid:r:org/o1/user/u1", bid.Resource{ParentType: "org", ParentID: "o1", Type: "user", ID: "u1"}},
		{"escapes", `bid:r:role/a\/b\:c\\d`, bid.Resource{Type: "role", ID: `a/b:c\d`}},
		{"text beyond ASCII", "bid:r:role/rôle é", bid.Resource{Type: "role", ID: "rôle é"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := bid.ParseResource(tt.text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("ParseResource(%q) differs (-want +got):\n%s", tt.text, diff)
			}
			if got.String() != tt.text {
				t.Errorf("String() = %q, want %q", got.String(), tt.text)
			}
		})
	}
}

func TestParseResourceRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "user/64b0", "bid:e:user/64b0:member", "bid:r:", "bid:r:user", "bid:r:user/", "bid:r:/64b0",
		"bid:r:a/b/c", "bid:r:a/b/c/d/e", `bid:r:user/a\b`, `bid:r:user/a\`, "bid:r:user/a:b",
	} {
		if got, err := bid.ParseResource(text); !errors.Is(err, bid.ErrInvalid) {
			t.Errorf("ParseResource(%q) = %v, %v; want ErrInvalid", text, got, err)
		}
	}
}

// FuzzParseResource holds the text form to its round trips: what is read is
// written as it was, and what is written is read as it was.
func FuzzParseResource(f *testing.F) {
	f.Add("bid:r:user/64b0", "user", "64b0")
	f.Add(`bid:r:org/o1/role/a\/b`, "role", `a/b:c\d`)
	f.Add("bid:r:x", "", "é")
	f.Fuzz(func(t *testing.T, text, typ, id string) {
		if r, err := bid.ParseResource(text); err == nil && r.String() != text {
			t.Errorf("ParseResource(%q).String() = %q", text, r.String())
		}
		if typ == "" || id == "" {
			return
		}
		want := bid.Resource{Type: typ, ID: id}
		if got, err := bid.ParseResource(want.String()); err != nil || got != want {
			t.Errorf("ParseResource(%q) = %v, %v; want %v", want.String(), got, err, want)
		}
	})
}

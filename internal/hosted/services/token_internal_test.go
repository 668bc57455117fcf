package services

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

func someHolders() []holder {
	return []holder{
		{Ref: syncer.Ref{Type: restype.User, ID: "63b296666a6373696d000171"}},
		{Ref: syncer.Ref{Type: restype.User, ID: "63B296666A6373696D000171"}}, // Another ID.
		{Ref: syncer.Ref{Type: restype.Group, ID: "g-1 é"}},
		{Ref: syncer.Ref{Type: restype.Group, ID: "63b296666a6373696d000172"}, name: "Night shift"},
		{Ref: syncer.Ref{Type: restype.Device, ID: "63b296666a6373696d000173"}, sudo: true},
		{Ref: syncer.Ref{Type: restype.ServiceAccount, ID: "63b296666a6373696d000174"}},
		{Ref: syncer.Ref{Type: restype.ServiceAccount, ID: "s-1"}, name: "gov-sync"},
	}
}

// A token opens at its own place only, and only as it was made.
func TestPlace(t *testing.T) {
	t.Parallel()
	p := place{list: "grants", of: syncer.Ref{Type: restype.Group, ID: "g"}, sync: "s", organization: "o"}
	token := p.seal([]byte("content"))
	if got, err := p.open(token); err != nil || string(got) != "content" {
		t.Fatalf("opens as %q, %v", got, err)
	}
	others := []place{p, p, p, p, p}
	others[0].list, others[1].of.ID, others[2].sync, others[3].organization = "resources", "h", "", "x"
	others[4].of.ID, others[4].sync = "gs", "" // The same letters.
	for _, o := range others {
		if _, err := o.open(token); fault.Code(err) != codes.InvalidArgument {
			t.Errorf("opens at %+v: %v", o, err)
		}
	}
	for i := range token {
		changed := []byte(token)
		if changed[i]++; changed[i] > 'z' {
			changed[i] = 'A'
		}
		for _, damaged := range []string{token[:i], string(changed)} {
			if _, err := p.open(damaged); fault.Code(err) != codes.InvalidArgument {
				t.Errorf("%q opens: %v", damaged, err)
			}
		}
	}
	if _, err := p.open(strings.Repeat("A", maxToken+1)); fault.Code(err) != codes.InvalidArgument {
		t.Errorf("a huge token: %v", err)
	}
}

func TestPackHolders(t *testing.T) {
	t.Parallel()
	all := someHolders()
	if got, err := unpackHolders(packHolders(all)); err != nil || !slices.Equal(got, all) {
		t.Errorf("%v, %v", got, err)
	}
	if n := len(packHolders(all[:1])); n != idBytes+1 {
		t.Errorf("a JumpCloud ID takes %d bytes", n)
	}
}

// FuzzOpen opens tokens that may be anything.
func FuzzOpen(f *testing.F) {
	p := place{list: "grants", sync: "s"}
	f.Add(p.seal(packHolders(someHolders())))
	f.Add(p.seal(nil))
	f.Add("")
	f.Add("AQ")
	f.Fuzz(func(t *testing.T, token string) {
		content, err := p.open(token)
		if err != nil {
			if fault.Code(err) != codes.InvalidArgument {
				t.Errorf("%q: %v", token, err)
			}
			return
		}
		if p.seal(content) != token {
			t.Errorf("%q opens and is sealed in another way", token)
		}
	})
}

// FuzzUnpackHolders reads the content of tokens: whatever is taken is packed to bytes that
// read as the same.
func FuzzUnpackHolders(f *testing.F) {
	f.Add(packHolders(someHolders()))
	f.Add([]byte{packedUser, 0})
	f.Add([]byte{packedGroup | packedName, 1, 'a', 0xff, 0xff, 0xff, 0xff, 0x7f})
	f.Add([]byte{packedUser | packedHex, 1, 2})
	f.Fuzz(func(t *testing.T, content []byte) {
		all, err := unpackHolders(content)
		if err != nil {
			if fault.Code(err) != codes.InvalidArgument {
				t.Error(err)
			}
			return
		}
		if again, err := unpackHolders(packHolders(all)); err != nil || !slices.Equal(again, all) {
			t.Errorf("%s reads as %v, and then as %v, %v", base64.StdEncoding.EncodeToString(content), all, again, err)
		}
	})
}

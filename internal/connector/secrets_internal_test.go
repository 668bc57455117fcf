package connector

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
)

func fullServiceAccount() *jumpcloud.ServiceAccount {
	return &jumpcloud.ServiceAccount{
		ID: "64b000000000000000000a01", Name: "gov-sync", Role: &jumpcloud.RoleRef{ID: "6e0000000000000000000001", Name: "Read Only"},
		Status: "ACTIVE", ExpiresAt: time.Date(2027, time.January, 1, 0, 0, 0, 0, time.UTC),
		Credentials: []jumpcloud.Credential{{ID: "c1", Type: jumpcloud.AuthClientSecret, Created: time.Date(2026, time.October, 3, 0, 0, 0, 0, time.UTC)}},
	}
}

func fullKey() *jumpcloud.Admin {
	a := fullAdmin()
	a.KeySet, a.KeyPrefix, a.KeyAllowed, a.KeyDescribed = jumpcloud.True, "jca_ab", jumpcloud.True, true
	a.KeyCreated = time.Date(2026, time.January, 2, 0, 0, 0, 0, time.UTC)
	return a
}

func userWithKey() *jumpcloud.User {
	u := fullUser()
	u.SSHKeys = []jumpcloud.SSHKey{{ID: "6a0000000000000000000061", Name: "laptop", Created: time.Date(2026, time.March, 4, 0, 0, 0, 0, time.UTC)}}
	return u
}

// An expiry is the credential's own, else its account's; a key that is described without one
// never expires, and of one that is not described nothing is known.
func TestExpiryOfCredentials(t *testing.T) {
	t.Parallel()
	day := func(d int) time.Time { return time.Date(2027, time.February, d, 0, 0, 0, 0, time.UTC) }
	credential := func(own, account time.Time) func() (*v2.Resource, error) {
		return func() (*v2.Resource, error) {
			a := &jumpcloud.ServiceAccount{ID: "a1", Name: "x", ExpiresAt: account}
			return credentialResource(a, &jumpcloud.Credential{ID: "c1", Expires: own}, secretOwner{id: resourceID(restype.ServiceAccount, "a1")}, map[string]int{})
		}
	}
	key := func(described bool, expires time.Time) func() (*v2.Resource, error) {
		return func() (*v2.Resource, error) {
			return apiKeyResource(&jumpcloud.Admin{ID: "k1", KeySet: jumpcloud.True, KeyDescribed: described, KeyExpires: expires}, false)
		}
	}
	for name, tt := range map[string]struct {
		of   func() (*v2.Resource, error)
		want string
	}{
		"of the credential":         {credential(day(1), day(9)), "2027-02-01T00:00:00Z"},
		"of the account":            {credential(time.Time{}, day(9)), "2027-02-09T00:00:00Z"},
		"unknown":                   {credential(time.Time{}, time.Time{}), ""},
		"key with an expiry":        {key(true, day(3)), "2027-02-03T00:00:00Z"},
		"key that never expires":    {key(true, time.Time{}), never},
		"key that is not described": {key(false, time.Time{}), ""},
	} {
		r, err := tt.of()
		if err != nil {
			t.Fatal(err)
		}
		trait := new(v2.SecretTrait)
		if err := r.GetAnnotations()[0].UnmarshalTo(trait); err != nil {
			t.Fatal(err)
		}
		if got := profileText(r.GetProfile(), profileExpires); got != tt.want || (trait.GetExpiresAt() != nil) != (tt.want != "" && tt.want != never) {
			t.Errorf("%s: expires %q, trait %v", name, got, trait.GetExpiresAt())
		}
	}
}

// The identity of a credential is a resource of the sync, or nobody.
func TestIdentityIsSynced(t *testing.T) {
	t.Parallel()
	for _, unsynced := range []bool{false, true} {
		r, err := apiKeyResource(fullKey(), unsynced)
		if err != nil {
			t.Fatal(err)
		}
		trait := new(v2.SecretTrait)
		if err := r.GetAnnotations()[0].UnmarshalTo(trait); err != nil {
			t.Fatal(err)
		}
		want := resourceID(restype.User, fullKey().ID)
		if unsynced {
			want = nil
		}
		if !proto.Equal(trait.GetIdentityId(), want) || !proto.Equal(trait.GetCreatedById(), want) || profileText(r.GetProfile(), profileOwnerID) != fullKey().ID {
			t.Errorf("unsynced %t: %v", unsynced, trait)
		}
	}
}

// Credentials without ids have different ones all the same.
func TestCredentialsWithoutIDs(t *testing.T) {
	t.Parallel()
	ids, seen := map[string]int{}, map[string]bool{}
	for range 3 {
		id := keyID("", "a1", jumpcloud.AuthClientSecret, ids)
		if seen[id] {
			t.Errorf("%s twice", id)
		}
		seen[id] = true
	}
	if got := keyID("c1", "a1", "x", ids); got != "c1" {
		t.Errorf("id %q", got)
	}
}

// Whether a service account can sign in follows from its status and from when it and its
// credentials expire; one of an unknown status is shown as disabled.
func TestServiceStanding(t *testing.T) {
	t.Parallel()
	past, future := testNow().Add(-time.Hour), testNow().Add(time.Hour)
	for _, tt := range []struct {
		account  jumpcloud.ServiceAccount
		disabled string
		unknown  bool
	}{
		{jumpcloud.ServiceAccount{Status: "ACTIVE", ExpiresAt: future}, "", false},
		{jumpcloud.ServiceAccount{Status: "active"}, "", false},
		{jumpcloud.ServiceAccount{}, "", false},
		{jumpcloud.ServiceAccount{Status: "ACTIVE", ExpiresAt: past}, "expired", false},
		{jumpcloud.ServiceAccount{Status: "ACTIVE", ExpiresAt: past, Credentials: []jumpcloud.Credential{{Expires: future}}}, "", false},
		{jumpcloud.ServiceAccount{Status: "INACTIVE"}, "inactive", false},
		{jumpcloud.ServiceAccount{Status: "Frozen"}, "Frozen", true},
	} {
		if disabled, unknown := serviceStanding(&tt.account, testNow()); disabled != tt.disabled || unknown != tt.unknown {
			t.Errorf("%+v: %q, %t", tt.account, disabled, unknown)
		}
	}
}

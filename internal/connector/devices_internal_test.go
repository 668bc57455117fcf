package connector

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
)

func fullDevice() *jumpcloud.Device {
	return &jumpcloud.Device{
		ID: "67a000000000000000000031", DisplayName: "ANA-MBP", Hostname: "ana-mbp.local", OS: "Mac OS X", OSFamily: "darwin", Version: "15.1", Build: "24B83",
		SerialNumber: "C0INVENTED", Vendor: "Apple Inc.", Model: "Mac15,6", AgentVersion: "2.40.0", Encrypted: jumpcloud.True, Active: jumpcloud.True,
		PrimaryUser: "64b0000000000000000000b1", LastContact: time.Date(2026, 8, 1, 9, 0, 0, 0, time.UTC), Created: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
	}
}

// What is not known of a device is left unset, not guessed.
func TestDeviceFacts(t *testing.T) {
	t.Parallel()
	for family, want := range map[string]v2.DeviceOS_OsType{
		"darwin": v2.DeviceOS_OS_TYPE_MACOS, "Windows": v2.DeviceOS_OS_TYPE_WINDOWS, "linux": v2.DeviceOS_OS_TYPE_LINUX, "ios": v2.DeviceOS_OS_TYPE_IOS,
		"ipados": v2.DeviceOS_OS_TYPE_IPADOS, "android": v2.DeviceOS_OS_TYPE_ANDROID, "beos": v2.DeviceOS_OS_TYPE_UNSPECIFIED, "": v2.DeviceOS_OS_TYPE_UNSPECIFIED,
	} {
		if got := osType(family); got != want {
			t.Errorf("%q is %v, want %v", family, got, want)
		}
	}
	r := made(t, deviceResource, &jumpcloud.Device{ID: "d1", Hostname: "box"})
	trait := traitOf(t, r, new(v2.ManagedDeviceTrait))
	if r.GetDisplayName() != "box" || trait.GetIsEncrypted() != nil || trait.GetEnrolledAt() != nil || r.GetCreatedAt() != nil {
		t.Errorf("%v, %v", r, trait)
	}
	if e := deviceGroupEntitlements(made(t, deviceGroupResource, &jumpcloud.DeviceGroup{ID: "g1", MembershipMethod: "DYNAMIC_AUTOMATED"})); len(e) != 3 || len(e[0].GetAnnotations()) != 1 {
		t.Errorf("a dynamic device group: %v", e)
	}
}

// What a group confers is in its profile where what it is about is synced, and no password.
func TestGroupAttributesAreTold(t *testing.T) {
	t.Parallel()
	group := &jumpcloud.UserGroup{ID: "65a000000000000000000010", Name: "Sales", Confers: jumpcloud.GroupAttributes{
		Sudo: jumpcloud.True, SudoWithoutPassword: jumpcloud.False, LDAPGroups: []string{"sales"}, POSIXGroups: []string{"s"}, Samba: jumpcloud.True,
		RADIUSReply: []jumpcloud.Attribute{{Name: "Tunnel-Private-Group-Id", Value: "20"}, {Name: "Tunnel-Password", Value: "hunter2"}},
	}}
	for want, switches := range map[string][]string{
		"":                           nil,
		"sudo sudo_without_password": {restype.SyncDevices},
		"ldap_groups posix_groups radius_reply samba_enabled": {restype.SyncDirectories},
	} {
		source := &Source{options: Options{Switches: switches}}
		r, err := source.groupResource(group)
		if err != nil {
			t.Fatal(err)
		}
		var keys []string
		for _, key := range slices.Sorted(maps.Keys(r.GetProfile().GetFields())) {
			if key != "type" && key != profileMethod {
				keys = append(keys, key)
			}
		}
		if got := strings.Join(keys, " "); got != want {
			t.Errorf("%q: profile has %q, want %q", switches, got, want)
		}
		if text := r.String(); strings.Contains(text, "hunter2") || strings.Contains(want, "radius") && !strings.Contains(text, "Tunnel-Private-Group-Id=20") {
			t.Errorf("profile %s", text)
		}
	}
}

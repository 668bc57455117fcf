package console_test

import (
	"bytes"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/console"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// full is the outcome of a full sync that went well.
func full() console.Outcome {
	return console.Outcome{
		Summary: syncer.Summary{
			Info: syncer.Info{SyncID: "0ujsswThIGTUYm2K8FjOOfXtY1K"}, Type: syncer.SyncFull, ResourceTypes: []string{"app", "group", "role", "user"}, Expanded: true,
			TypeNames:    map[string]string{"user": "User", "group": "Group", "app": "Application", "role": "Role"},
			Resources:    map[string]int64{"user": 2030, "group": 150, "app": 81, "role": 9},
			Entitlements: map[string]int64{"group": 150, "app": 81, "role": 9},
			Grants:       map[string]int64{"group": 10000, "app": 8000, "role": 422},
			DirectGrants: 12345, InheritedGrants: 6077,
			Phases: []syncer.PhaseDuration{{Phase: syncer.PhaseReading, Took: 3100 * time.Millisecond}, {Phase: syncer.PhaseJoining, Took: 10}, {Phase: syncer.PhaseWriting, Took: 1134 * time.Millisecond}},
		},
		Organization: "Acme", OrganizationID: "64b0", Host: "console.jumpcloud.com", Users: 2000, Admins: 30,
		Requests: 241, Retries: 1, Refused: 1, InFlight: 16, Waited: 2100 * time.Millisecond, Took: 4234 * time.Millisecond,
		File: "sync.c1z", Size: 1_200_000, DecodedSize: 8_300_000, OlderSyncs: 1,
	}
}

func TestWriteText(t *testing.T) {
	t.Parallel()
	partial := console.Outcome{
		Summary: syncer.Summary{
			Type: syncer.SyncPartial, ResourceTypes: []string{"group", "user"}, LeftOutTypes: []string{"app", "role"},
			TypeNames: map[string]string{"user": "User", "group": "Group"},
			Resources: map[string]int64{"user": 1}, Entitlements: map[string]int64{"group": 1}, Grants: map[string]int64{"group": 3},
			Dropped:  map[syncer.DropReason]int64{syncer.DropLeftOut: 7, syncer.DropNotFound: 1, syncer.DropVanished: 0},
			Vanished: []syncer.Ref{{Type: "group", ID: "a"}, {Type: "group", ID: "b"}, {Type: "group", ID: "c"}, {Type: "group", ID: "d"}, {Type: "group", ID: "e"}, {Type: "group", ID: "f"}},
			Remarks:  []string{"roles without holders may be missing"},
		},
		OrganizationID: "64b0", Host: "127.0.0.1:1", SkippedAdmins: true, Requests: 3, Took: 20 * time.Millisecond, File: "p.c1z", Size: 900, DecodedSize: 4096,
	}
	carried := full()
	carried.Requests, carried.Incremental, carried.CarriedLists, carried.ReadLists = 24, true, 211, 20
	tests := []struct {
		name    string
		outcome console.Outcome
		want    string
	}{
		{"full", full(), `
Synced Acme (64b0) from console.jumpcloud.com

  Accounts        2,030   2,000 users, 30 administrators
  Groups            150
  Applications       81
  Roles               9
  Entitlements      240
  Grants         18,422   12,345 direct, 6,077 inherited

  Requests          241   1 retry, 1 rate limited (429), rate limiter waited 2.1s in total
  Took             4.2s   reading 3.1s, writing 1.1s
  Archive        1.2 MB   sync.c1z (8.3 MB unpacked, with 1 older sync)
`},
		{"incremental", carried, `
Synced Acme (64b0) from console.jumpcloud.com, incremental

  Accounts        2,030   2,000 users, 30 administrators
  Groups            150
  Applications       81
  Roles               9
  Entitlements      240
  Grants         18,422   12,345 direct, 6,077 inherited

  Carried over      211   lists of holders; 20 were read
  Requests           24   1 retry, 1 rate limited (429), rate limiter waited 2.1s in total
  Took             4.2s   reading 3.1s, writing 1.1s
  Archive        1.2 MB   sync.c1z (8.3 MB unpacked, with 1 older sync)
`},
		{"partial, with everything to note", partial, `
Synced organization 64b0 from 127.0.0.1:1, some resources only

  Accounts           1
  Groups             0
  Entitlements       1
  Grants             3

  Requests           3
  Took            20ms
  Archive        900 B   p.c1z (4.1 kB unpacked)

  Note: skipped by settings: resources of type app, role
  Note: skipped by settings: administrators
  Note: not in the archive: 7 grants that depended on what was skipped
  Note: not in the archive: 1 grant that named a principal that does not exist
  Note: deleted during the sync: 6 objects (group a, group b, group c, group d, group e, ...)
  Note: roles without holders may be missing
`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got bytes.Buffer
			if err := tt.outcome.WriteText(&got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.TrimPrefix(tt.want, "\n"), got.String()); diff != "" {
				t.Errorf("text differs (-want +got):\n%s", diff)
			}
		})
	}
}

// TestEveryTypeIsInTheSummary adds types that nobody here has heard of, with and
// without resources and a name: whatever was synced has a line.
func TestEveryTypeIsInTheSummary(t *testing.T) {
	t.Parallel()
	o := full()
	for _, r := range connector.ResourceTypes(nil) {
		if !slices.Contains(o.ResourceTypes, r.GetId()) {
			o.ResourceTypes = append(o.ResourceTypes, r.GetId())
			o.TypeNames[r.GetId()] = r.GetDisplayName()
		}
	}
	o.ResourceTypes = append(o.ResourceTypes, "printer", "cabinet", "policy_group", "vault-key", "gateway")
	maps.Copy(o.TypeNames, map[string]string{"printer": "Printer", "cabinet": "Cabinet", "policy_group": "", "vault-key": "Vault Key", "gateway": "Gateway"})
	o.Resources["printer"], o.Resources["gateway"] = 1234, 2
	var got bytes.Buffer
	if err := o.WriteText(&got); err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(got.String(), "Roles")
	text, _, _ = strings.Cut(text, "  Entitlements")
	want := []string{"9", "Cabinets", "0", "Gateways", "2", "Printers", "1,234", "Vault", "Keys", "0", "policy_groups", "0"}
	if diff := cmp.Diff(want, strings.Fields(text)); diff != "" {
		t.Errorf("lines of further types (-want +got):\n%s", diff)
	}
	if counted := strings.Count(got.String(), "\n"); counted < len(o.ResourceTypes) {
		t.Errorf("%d lines for %d types", counted, len(o.ResourceTypes))
	}
}

func TestAttrs(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	slog.New(slog.NewTextHandler(&out, nil)).LogAttrs(t.Context(), slog.LevelInfo, "Sync complete.", full().Attrs()...)
	for _, want := range []string{"grants=18422", "grants_inherited=6077", "requests=241", "took_reading=3.1s", "file=sync.c1z", `resources="map[app:81 group:150 role:9 user:2030]"`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("record lacks %q: %s", want, out.String())
		}
	}
}

package provision_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/conductorone/baton-jumpcloud/internal/connector"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/provision"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

func TestGrantAndRevoke(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ kind, who, on, what string }{
		{"user", "ana", "group", "Sales"},
		{"user", "ana", "app", "AWS Prod"},
		{"group", "Ops", "app", "AWS Prod"},
		{"user", "ana", "directory", "Workspace"},
		{"group", "Ops", "directory", "LDAP"},
		{"user", "ana", "radius_server", "Wi-Fi"},
		{"group", "Ops", "radius_server", "Wi-Fi"},
		{"user", "ana", "device", "laptop:user"},
		{"user", "ana", "device", "laptop:admin"},
		{"user", "ana", "device", "server:admin"},
		{"group", "Ops", "device", "server:admin"},
	} {
		t.Run(tt.what+" to "+tt.kind, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, jcsim.Settings{}, jcsim.Rights{})
			who, what := b.principal(t, tt.kind, tt.who), b.entitlement(t, tt.on, tt.what)
			for i, step := range []struct {
				do      func(context.Context, *v2.Resource, *v2.Entitlement) ([]*anypb.Any, error)
				already proto.Message
				holds   bool
				is      bool
			}{
				{b.grant, &v2.GrantAlreadyExists{}, true, false},
				{b.grant, &v2.GrantAlreadyExists{}, true, true},
				{b.revoke, &v2.GrantAlreadyRevoked{}, false, false},
				{b.revoke, &v2.GrantAlreadyRevoked{}, false, true},
			} {
				notes, err := step.do(t.Context(), who, what)
				if err != nil {
					t.Fatalf("step %d: %v", i, err)
				}
				if got := has(notes, step.already); got != step.is {
					t.Errorf("step %d: already %v, want %v", i, got, step.is)
				}
				if b.holds(t, who, what) != step.holds {
					t.Errorf("step %d: JumpCloud holds the grant: %v", i, !step.holds)
				}
			}
			if len(b.audit.intents) != 4 || len(b.audit.outcomes) != 4 {
				t.Fatalf("audit: %d intents, %d outcomes", len(b.audit.intents), len(b.audit.outcomes))
			}
			for i, c := range b.audit.intents {
				if c.ID != b.audit.ids[i] || c.Principal.ID != who.GetId().GetResource() || c.Entitlement != what.GetId() {
					t.Errorf("audit %d: %+v, outcome of %s", i, c, b.audit.ids[i])
				}
			}
		})
	}
}

// Taking sudo away leaves the binding, and ending the binding takes sudo with it.
func TestSudoOfABinding(t *testing.T) {
	t.Parallel()
	b := newBench(t, jcsim.Settings{}, jcsim.Rights{})
	bo, user, admin := b.principal(t, "user", "bo"), b.entitlement(t, "device", "server:user"), b.entitlement(t, "device", "server:admin")
	for i, step := range []struct {
		do         func(context.Context, *v2.Resource, *v2.Entitlement) ([]*anypb.Any, error)
		what       *v2.Entitlement
		uses, sudo bool
	}{
		{b.revoke, admin, true, false},
		{b.grant, admin, true, true},
		{b.grant, user, true, true},
		{b.revoke, user, false, false},
		{b.revoke, admin, false, false},
		{b.grant, admin, true, true},
	} {
		if _, err := step.do(t.Context(), bo, step.what); err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
		if uses, sudo := b.holds(t, bo, user), b.holds(t, bo, admin); uses != step.uses || sudo != step.sudo {
			t.Errorf("step %d: bound %v, administrator %v", i, uses, sudo)
		}
	}
}

// The grant in the answer is the one that a sync would find.
func TestGrantAnswersTheGrant(t *testing.T) {
	t.Parallel()
	b := newBench(t, jcsim.Settings{}, jcsim.Rights{})
	who, what := b.principal(t, "user", "ana"), b.entitlement(t, "group", "Sales")
	task := must[*anypb.Any](t)(anypb.New(&v2.RequestId{RequestId: "task 7"}))
	resp, err := b.provisioner.Grant(t.Context(), &v2.GrantManagerServiceGrantRequest{
		Principal: who, Entitlement: what, Annotations: []*anypb.Any{task},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := b.audit.intents[0].Task; got != "task 7" {
		t.Errorf("the audit was told of task %q", got)
	}
	source := connector.NewSource(newClient(t, b.server), connector.Options{Logger: slog.New(slog.DiscardHandler)})
	group := must[*syncer.Page](t)(source.Start(t.Context(), syncer.Scope{Targets: []*v2.ResourceId{what.GetResource().GetId()}}))
	members := must[*syncer.Page](t)(source.Read(t.Context(), group.Lists[0], ""))
	synced := must[*syncer.Page](t)(source.Read(t.Context(), members.Lists[0], ""))
	if len(resp.GetGrants()) != 1 || !slices.ContainsFunc(synced.Grants, func(g *v2.Grant) bool { return g.GetId() == resp.GetGrants()[0].GetId() }) {
		t.Errorf("answered %v, which a sync does not find among %v", resp.GetGrants(), synced.Grants)
	}
}

func TestRefusesWhatCannotBeChanged(t *testing.T) {
	t.Parallel()
	console := &v2.Entitlement{
		Id: "app:" + restype.AdministrationAppID, Resource: &v2.Resource{Id: target("app", restype.AdministrationAppID)},
	}
	const nobody = "64b0000000000000000000ff"
	gone := func(kind string) *v2.Resource {
		return &v2.Resource{Id: target(kind, nobody), DisplayName: "Old Name"}
	}
	tests := []struct {
		name string
		who  func(t *testing.T, b *bench) *v2.Resource
		what func(t *testing.T, b *bench) *v2.Entitlement
		code codes.Code
		says []string
	}{
		{"a dynamic group", someone("user", "ana"), something("group", "Auto"), codes.FailedPrecondition, []string{`group "Auto"`, "DYNAMIC_AUTOMATED", "rule"}},
		{"a dynamic group with review", someone("user", "ana"), something("group", "Review"), codes.FailedPrecondition, []string{"DYNAMIC_REVIEW_REQUIRED"}},
		{"an administrator in a group", someone("user", "ops@example.com"), something("group", "Sales"), codes.FailedPrecondition, []string{"administrator account", "ops@example.com"}},
		{"a group in a group", someone("group", "Ops"), something("group", "Sales"), codes.InvalidArgument, []string{"JumpCloud groups contain users only"}},
		{"the administration app", someone("user", "ana"), fixed(console), codes.FailedPrecondition, []string{"JumpCloud Administration"}},
		{"an account", someone("user", "ana"), fixed(&v2.Entitlement{Id: "user:x", Resource: &v2.Resource{Id: target("user", "x")}}), codes.Unimplemented, []string{"resource type user does not have provisioner configured", "only groups, applications, roles, directories, RADIUS servers and devices can"}},
		{"a user that is gone", fixed2(gone("user")), something("group", "Sales"), codes.NotFound, []string{`user "Old Name"`, "does not exist"}},
		{"a group that is gone", someone("user", "ana"), fixed(&v2.Entitlement{Id: "group:" + nobody, Resource: gone("group")}), codes.NotFound, []string{`group "Old Name"`}},
		{"an application that is gone", someone("user", "ana"), fixed(&v2.Entitlement{Id: "app:" + nobody, Resource: gone("app")}), codes.NotFound, []string{`app "Old Name"`}},
		{"a directory that nobody is bound to", someone("user", "ana"), something("directory", "HR"), codes.FailedPrecondition, []string{`directory "HR"`, "workday"}},
		{"a directory that is gone", someone("user", "ana"), fixed(&v2.Entitlement{Id: "directory:" + nobody, Resource: gone("directory")}), codes.NotFound, []string{`directory "Old Name"`}},
		{"a RADIUS server that is gone", someone("user", "ana"), fixed(&v2.Entitlement{Id: "radius_server:" + nobody, Resource: gone("radius_server")}), codes.NotFound, []string{`radius_server "Old Name"`}},
		{"a device that is gone", someone("user", "ana"), fixed(&v2.Entitlement{Id: "device:" + nobody + ":admin", Resource: gone("device")}), codes.NotFound, []string{`device "Old Name"`}},
		{"a device without saying how", someone("user", "ana"), something("device", "laptop"), codes.InvalidArgument, []string{"sync again"}},
		{"what a device has not", someone("user", "ana"), something("device", "laptop:root"), codes.InvalidArgument, []string{"sync again"}},
		{"a RADIUS server at another one", someone("radius_server", "Wi-Fi"), something("radius_server", "Wi-Fi"), codes.InvalidArgument, []string{"only users and groups can"}},
		{"a group that is gone, as principal", fixed2(gone("group")), something("app", "AWS Prod"), codes.NotFound, []string{`group "Old Name"`}},
		{"an entitlement of another resource", someone("user", "ana"), fixed(&v2.Entitlement{Id: "group:x", Resource: gone("group")}), codes.InvalidArgument, []string{"sync again"}},
		{
			"a resource of another connector", fixed2(&v2.Resource{
				Id: target("user", nobody), Annotations: []*anypb.Any{must[*anypb.Any](t)(anypb.New(&v2.BatonID{}))},
			}), something("group", "Sales"), codes.InvalidArgument, []string{"entitlement on external resource"},
		},
		{"missing entitlement", someone("user", "ana"), fixed(&v2.Entitlement{}), codes.InvalidArgument, []string{"missing entitlement"}},
		{"no principal", fixed2(nil), something("group", "Sales"), codes.InvalidArgument, []string{"principal"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, jcsim.Settings{}, jcsim.Rights{})
			who, what := tt.who(t, b), tt.what(t, b)
			for verb, do := range map[string]func(context.Context, *v2.Resource, *v2.Entitlement) ([]*anypb.Any, error){
				"grant": b.grant, "revoke": b.revoke,
			} {
				_, err := do(t.Context(), who, what)
				if status.Code(err) != tt.code {
					t.Fatalf("%s: code %v, want %v: %v", verb, status.Code(err), tt.code, err)
				}
				for _, s := range append(tt.says, verb+" failed: ") {
					if !strings.Contains(err.Error(), s) {
						t.Errorf("%s: %q is not in: %v", verb, s, err)
					}
				}
			}
			if b.writes() != 0 || len(b.audit.intents) != 0 {
				t.Errorf("%d writes sent, %d intents", b.writes(), len(b.audit.intents))
			}
		})
	}
}

func someone(kind, ref string) func(*testing.T, *bench) *v2.Resource {
	return func(t *testing.T, b *bench) *v2.Resource { t.Helper(); return b.principal(t, kind, ref) }
}

func something(kind, ref string) func(*testing.T, *bench) *v2.Entitlement {
	return func(t *testing.T, b *bench) *v2.Entitlement { t.Helper(); return b.entitlement(t, kind, ref) }
}

func fixed(e *v2.Entitlement) func(*testing.T, *bench) *v2.Entitlement {
	return func(*testing.T, *bench) *v2.Entitlement { return e }
}

func fixed2(r *v2.Resource) func(*testing.T, *bench) *v2.Resource {
	return func(*testing.T, *bench) *v2.Resource { return r }
}

// Only the types of the settings are changed, and the refusal says how the setting would
// read.
func TestOnlyTheTypesOfTheSettingsAreChanged(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		types          []string
		refused, named string
		advice         string
	}{
		{[]string{"group"}, "app", "AWS Prod", "requires --provision-types=group,app"},
		{[]string{"app"}, "group", "Sales", "requires --provision-types=group,app"},
		{nil, "group", "Sales", "requires --provision-types=group"},
	} {
		b := newBench(t, jcsim.Settings{}, jcsim.Rights{})
		p := provision.New(newClient(t, b.server), provision.Options{Types: tt.types, Logger: slog.New(slog.DiscardHandler)})
		_, err := p.PlanGrant(t.Context(), b.principal(t, "user", "ana"), b.entitlement(t, tt.refused, tt.named))
		if status.Code(err) != codes.Unimplemented || !strings.HasSuffix(err.Error(), tt.advice) {
			t.Errorf("types %q: %v", tt.types, err)
		}
		if n := b.writes(); n != 0 {
			t.Errorf("types %q: %d writes", tt.types, n)
		}
	}
}

func TestReadOnlyKey(t *testing.T) {
	t.Parallel()
	b := newBench(t, jcsim.Settings{}, jcsim.Rights{ReadOnly: true})
	_, err := b.grant(t.Context(), b.principal(t, "user", "ana"), b.entitlement(t, "group", "Sales"))
	if status.Code(err) != codes.PermissionDenied || !strings.Contains(err.Error(), "scope groups") {
		t.Errorf("read-only key: %v", err)
	}
	if n := b.writes(); n != 1 || b.audit.outcomes[0].Result != provision.ResultFailed {
		t.Errorf("%d writes, outcome %+v", n, b.audit.outcomes)
	}
}

func TestAuditThatCannotWrite(t *testing.T) {
	t.Parallel()
	b := newBench(t, jcsim.Settings{}, jcsim.Rights{})
	b.audit.refuse = errors.New("disk full")
	_, err := b.grant(t.Context(), b.principal(t, "user", "ana"), b.entitlement(t, "group", "Sales"))
	if err == nil || !strings.Contains(err.Error(), "nothing was sent") || !strings.Contains(err.Error(), "disk full") || b.writes() != 0 {
		t.Errorf("%d writes, error %v", b.writes(), err)
	}
}

// A revoke that leaves access through a group succeeds and says through which.
func TestRevokeLeavesInheritedAccess(t *testing.T) {
	t.Parallel()
	b := newBench(t, jcsim.Settings{}, jcsim.Rights{})
	for _, what := range [][2]string{
		{"app", "AWS Prod"}, {"app", "AWS Prod"}, // Repeating says it again.
		{"directory", "Workspace"}, {"radius_server", "Wi-Fi"},
	} {
		notes, err := b.revoke(t.Context(), b.principal(t, "user", "bo"), b.entitlement(t, what[0], what[1]))
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(notes, func(a *anypb.Any) bool { return a.MessageIs((*v2.GrantMetadata)(nil)) })
		if i < 0 {
			t.Fatalf("annotations %v", notes)
		}
		meta := new(v2.GrantMetadata)
		if err := notes[i].UnmarshalTo(meta); err != nil {
			t.Fatal(err)
		}
		want := map[string]any{"still_conferred_by": []any{fmt.Sprintf("group %q (%s)", "Sales", b.id(t, "group", "Sales"))}}
		if diff := cmp.Diff(want, meta.GetMetadata().AsMap()); diff != "" {
			t.Errorf("metadata (-want +got):\n%s", diff)
		}
	}
}

func TestExpandedGrantIsRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t, jcsim.Settings{}, jcsim.Rights{})
	app := b.entitlement(t, "app", "AWS Prod")
	sources := func(ids ...string) *v2.GrantSources {
		s := &v2.GrantSources{Sources: map[string]*v2.GrantSources_GrantSource{}}
		for _, id := range ids {
			s.Sources[id] = &v2.GrantSources_GrantSource{}
		}
		return s
	}
	sales, auto := b.id(t, "group", "Sales"), b.id(t, "group", "Auto")
	ana := b.id(t, "user", "ana")
	immutable := must[*anypb.Any](t)(anypb.New(&v2.GrantImmutable{}))
	for _, tt := range []struct {
		name  string
		grant *v2.Grant
		says  []string
	}{
		{"through a group", &v2.Grant{Sources: sources("group:" + sales)}, []string{
			`group "Sales"`, "baton-jumpcloud --revoke-grant group-grant:" + sales + ":user:" + ana + ":" + sales,
		}},
		{"through two groups", &v2.Grant{Sources: sources("group:"+sales, "group:"+auto)}, []string{
			"grant it; to end it, remove the user from all of them:\n  ", "change its rule", "\n  baton-jumpcloud --revoke-grant group-grant:" + sales,
		}},
		{"through a dynamic group", &v2.Grant{Sources: sources("group:" + auto)}, []string{`group "Auto"`, "change its rule"}},
		{"without its sources", &v2.Grant{Annotations: []*anypb.Any{immutable}}, []string{`group "Auto"`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.grant.Id, tt.grant.Entitlement, tt.grant.Principal = "x", app, b.principal(t, "user", "ana")
			_, err := b.provisioner.PlanRevoke(t.Context(), tt.grant)
			if status.Code(err) != codes.FailedPrecondition {
				t.Fatalf("got %v", err)
			}
			for _, s := range tt.says {
				if !strings.Contains(err.Error(), s) {
					t.Errorf("%q is not in: %v", s, err)
				}
			}
		})
	}
	wifi := &v2.Grant{Id: "x", Entitlement: b.entitlement(t, "radius_server", "Wi-Fi"), Principal: b.principal(t, "user", "ana"), Sources: sources("group:" + sales)}
	if _, err := b.provisioner.PlanRevoke(t.Context(), wifi); status.Code(err) != codes.FailedPrecondition || !strings.Contains(err.Error(), `group "Sales"`) {
		t.Errorf("inherited network access: %v", err)
	}
	laptop := &v2.Grant{Id: "x", Entitlement: b.entitlement(t, "device", "laptop:user"), Principal: b.principal(t, "user", "ana"), Sources: sources("device_group:d1:user")}
	if _, err := b.provisioner.PlanRevoke(t.Context(), laptop); status.Code(err) != codes.FailedPrecondition || !strings.Contains(err.Error(), `via device_group d1;`) {
		t.Errorf("inherited use of a device: %v", err)
	}
	both := &v2.Grant{Entitlement: app, Principal: b.principal(t, "user", "bo"), Sources: sources(app.GetId(), "group:"+sales)}
	if _, err := b.provisioner.PlanRevoke(t.Context(), both); err != nil {
		t.Errorf("direct and through a group: %v", err)
	}
}

// A plan tells exactly what would be sent, sends nothing, and says what changes.
func TestPlanIsWhatIsSent(t *testing.T) {
	t.Parallel()
	b := newBench(t, jcsim.Settings{}, jcsim.Rights{})
	var sent []string
	spy := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			body, _ := io.ReadAll(r.Body)
			sent = append(sent, r.Method+" "+r.URL.Path+" "+string(body))
			r.Body = io.NopCloser(strings.NewReader(string(body)))
		}
		b.server.ServeHTTP(w, r)
	})
	p := provision.New(newClient(t, spy), provision.Options{Types: restype.Changeable(false), Logger: slog.New(slog.DiscardHandler)})
	for _, tt := range []struct {
		who    *v2.Resource
		what   *v2.Entitlement
		revoke bool
		effect string
	}{
		{b.principal(t, "user", "ana"), b.entitlement(t, "group", "Sales"), false, "gets membership of"},
		{b.principal(t, "user", "bo"), b.entitlement(t, "app", "AWS Prod"), true, "loses access to"},
		{b.principal(t, "group", "Ops"), b.entitlement(t, "app", "AWS Prod"), false, "gets access to"},
		{b.principal(t, "user", "ana"), b.entitlement(t, "directory", "LDAP"), false, "gets a binding to"},
		{b.principal(t, "group", "Sales"), b.entitlement(t, "radius_server", "Wi-Fi"), true, "loses network access by"},
		{b.principal(t, "user", "ana"), b.entitlement(t, "device", "laptop:admin"), false, "gets administration (sudo) of"},
		{b.principal(t, "user", "ana"), b.entitlement(t, "device", "server:admin"), false, "gets administration (sudo) of"},
		{b.principal(t, "user", "bo"), b.entitlement(t, "device", "server:admin"), true, "loses administration (sudo) of"},
		{b.principal(t, "user", "bo"), b.entitlement(t, "device", "server:user"), true, "loses use of"},
		{b.principal(t, "user", "ana"), b.entitlement(t, "group", "Sales"), false, "no change needed: "},
		{b.principal(t, "user", "ana"), b.entitlement(t, "group", "Ops"), true, "no change needed: "},
	} {
		sent = nil
		plan, err := p.PlanGrant(t.Context(), tt.who, tt.what)
		if tt.revoke {
			plan, err = p.PlanRevoke(t.Context(), &v2.Grant{Principal: tt.who, Entitlement: tt.what})
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Inspect(t.Context(), plan); err != nil {
			t.Fatal(err)
		}
		if len(sent) != 0 || !strings.Contains(plan.Effect(), tt.effect) {
			t.Errorf("planning sent %v; effect %q", sent, plan.Effect())
		}
		if _, err := p.Apply(t.Context(), plan); err != nil {
			t.Fatal(err)
		}
		want := []string{plan.Request.Method + " " + plan.Request.Path + " " + string(plan.Request.Body)}
		if diff := cmp.Diff(want, sent); diff != "" {
			t.Errorf("planned and sent differ:\n%s", diff)
		}
	}
}

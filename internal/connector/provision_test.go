package connector_test

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
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/jcsim"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// office is a tenant to change: one application that a group and a user have.
const office = `{
  "organization": {"displayName": "Borealis"},
  "users": [
    {"username": "ana", "displayname": "Ana Ruiz", "email": "ana@example.com", "department": "Sales"},
    {"username": "bo", "displayname": "Bo Li", "email": "bo@example.com"}
  ],
  "admins": [{"email": "ops@example.com", "roleName": "Manager"}],
  "groups": [
    {"name": "Sales", "members": ["bo"]},
    {"name": "Ops"},
    {"name": "Auto", "rule": [{"field": "department", "operator": "eq", "value": "Sales"}]},
    {"name": "Review", "membershipMethod": "DYNAMIC_REVIEW_REQUIRED"}
  ],
  "applications": [{"displayLabel": "AWS Prod", "name": "aws-sso", "groups": ["Sales", "Auto"], "users": ["bo"]}]
}`

// bench is a tenant with a provisioner before it.
type bench struct {
	tenant      *jcsim.Tenant
	server      *jcsim.Server
	provisioner *connector.Provisioner
	audit       *auditor
}

// auditor keeps what an audit is told.
type auditor struct {
	intents  []connector.Change
	outcomes []connector.Outcome
	ids      []string
	refuse   error
}

func (a *auditor) Intent(_ context.Context, c connector.Change) error {
	a.intents = append(a.intents, c)
	return a.refuse
}

func (a *auditor) Outcome(ctx context.Context, c connector.Change, o connector.Outcome) error {
	a.outcomes, a.ids = append(a.outcomes, o), append(a.ids, c.ID)
	return ctx.Err()
}

func newBench(t *testing.T, settings jcsim.Settings, rights jcsim.Rights) *bench {
	t.Helper()
	tenant, err := jcsim.Load(strings.NewReader(office))
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{tenant: tenant, audit: new(auditor)}
	b.server = jcsim.New(jcsim.Options{
		Tenant: tenant, Settings: settings,
		Keys: []jcsim.APIKey{{Key: jcsim.DefaultKey, Rights: rights}},
	})
	b.provisioner = connector.NewProvisioner(newClient(t, b.server), connector.ProvisionOptions{
		Applications: true, Audit: b.audit, Logger: slog.New(slog.DiscardHandler),
	})
	return b
}

// writes counts the requests that could have changed something.
func (b *bench) writes() int {
	n := 0
	for route, r := range b.server.Requests().Routes {
		if strings.HasPrefix(route, "POST /api/v2/") {
			n += r.Requests
		}
	}
	return n
}

func (b *bench) id(t *testing.T, kind, ref string) string {
	t.Helper()
	switch kind {
	case "user":
		for _, a := range b.tenant.Admins() {
			if a.Email == ref {
				return a.ID
			}
		}
		return must[*jcsim.User](t)(b.tenant.User(ref)).ID
	case "group":
		for _, g := range b.tenant.Groups() {
			if g.Name == ref {
				return g.ID
			}
		}
	case "app":
		for _, a := range b.tenant.Applications() {
			if a.DisplayLabel == ref {
				return a.ID
			}
		}
	}
	t.Fatalf("no %s %s", kind, ref)
	return ""
}

// principal and entitlement are as the archive would hold them.
func (b *bench) principal(t *testing.T, kind, ref string) *v2.Resource {
	t.Helper()
	return &v2.Resource{Id: target(kind, b.id(t, kind, ref)), DisplayName: ref}
}

func (b *bench) entitlement(t *testing.T, kind, ref string) *v2.Entitlement {
	t.Helper()
	r := b.principal(t, kind, ref)
	return &v2.Entitlement{Id: kind + ":" + r.GetId().GetResource(), Resource: r}
}

func (b *bench) grant(ctx context.Context, principal *v2.Resource, entitlement *v2.Entitlement) ([]*anypb.Any, error) {
	resp, err := b.provisioner.Grant(ctx, &v2.GrantManagerServiceGrantRequest{Principal: principal, Entitlement: entitlement})
	return resp.GetAnnotations(), err
}

func (b *bench) revoke(ctx context.Context, principal *v2.Resource, entitlement *v2.Entitlement) ([]*anypb.Any, error) {
	resp, err := b.provisioner.Revoke(ctx, &v2.GrantManagerServiceRevokeRequest{Grant: &v2.Grant{
		Id: "an id that means nothing", Principal: principal, Entitlement: entitlement,
	}})
	return resp.GetAnnotations(), err
}

// holds reads the tenant itself.
func (b *bench) holds(t *testing.T, principal *v2.Resource, entitlement *v2.Entitlement) bool {
	t.Helper()
	on, who := entitlement.GetResource().GetId(), principal.GetId()
	read := b.tenant.Members
	if on.GetResourceType() == "app" {
		read = b.tenant.AppUsers
		if who.GetResourceType() == "group" {
			read = b.tenant.AppGroups
		}
	}
	return slices.Contains(must[[]string](t)(read(on.GetResource())), who.GetResource())
}

func has(list []*anypb.Any, m proto.Message) bool {
	return slices.ContainsFunc(list, func(a *anypb.Any) bool { return a.MessageIs(m) })
}

func TestGrantAndRevoke(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ kind, who, on, what string }{
		{"user", "ana", "group", "Sales"},
		{"user", "ana", "app", "AWS Prod"},
		{"group", "Ops", "app", "AWS Prod"},
	} {
		t.Run(tt.on+" to "+tt.kind, func(t *testing.T) {
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
	synced, err := readAll(t.Context(), newSource(t, b.server, connector.Options{}), syncScope())
	if err != nil {
		t.Fatal(err)
	}
	if len(resp.GetGrants()) != 1 || synced.grants[resp.GetGrants()[0].GetId()] == nil {
		t.Errorf("answered %v, which a sync does not find", resp.GetGrants())
	}
}

func TestRefusesWhatCannotBeChanged(t *testing.T) {
	t.Parallel()
	console := &v2.Entitlement{
		Id: "app:" + connector.AdministrationAppID, Resource: &v2.Resource{Id: target("app", connector.AdministrationAppID)},
	}
	role := &v2.Entitlement{Id: "role:role_manager", Resource: &v2.Resource{Id: target("role", "role_manager")}}
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
		{"a group in a group", someone("group", "Ops"), something("group", "Sales"), codes.InvalidArgument, []string{"do not nest"}},
		{"the administration app", someone("user", "ana"), fixed(console), codes.FailedPrecondition, []string{"JumpCloud Administration"}},
		{"a role", someone("user", "ana"), fixed(role), codes.Unimplemented, []string{"resource type role does not have provisioner configured"}},
		{"a user that is gone", fixed2(gone("user")), something("group", "Sales"), codes.NotFound, []string{`user "Old Name"`, "does not exist"}},
		{"a group that is gone", someone("user", "ana"), fixed(&v2.Entitlement{Id: "group:" + nobody, Resource: gone("group")}), codes.NotFound, []string{`group "Old Name"`}},
		{"an application that is gone", someone("user", "ana"), fixed(&v2.Entitlement{Id: "app:" + nobody, Resource: gone("app")}), codes.NotFound, []string{`app "Old Name"`}},
		{"a group that is gone, as principal", fixed2(gone("group")), something("app", "AWS Prod"), codes.NotFound, []string{`group "Old Name"`}},
		{"an entitlement of another resource", someone("user", "ana"), fixed(&v2.Entitlement{Id: "group:x", Resource: gone("group")}), codes.InvalidArgument, []string{"sync again"}},
		{
			"a resource of another connector", fixed2(&v2.Resource{
				Id: target("user", nobody), Annotations: []*anypb.Any{must[*anypb.Any](t)(anypb.New(&v2.BatonID{}))},
			}), something("group", "Sales"), codes.InvalidArgument, []string{"entitlement on external resource"},
		},
		{"no entitlement", someone("user", "ana"), fixed(&v2.Entitlement{}), codes.InvalidArgument, []string{"no entitlement"}},
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

func TestApplicationsTakeAnOption(t *testing.T) {
	t.Parallel()
	b := newBench(t, jcsim.Settings{}, jcsim.Rights{})
	p := connector.NewProvisioner(newClient(t, b.server), connector.ProvisionOptions{Logger: slog.New(slog.DiscardHandler)})
	_, err := p.PlanGrant(t.Context(), b.principal(t, "user", "ana"), b.entitlement(t, "app", "AWS Prod"))
	if status.Code(err) != codes.Unimplemented || !strings.Contains(err.Error(), "--provision-applications") {
		t.Errorf("without the option: %v", err)
	}
}

func TestReadOnlyKey(t *testing.T) {
	t.Parallel()
	b := newBench(t, jcsim.Settings{}, jcsim.Rights{ReadOnly: true})
	_, err := b.grant(t.Context(), b.principal(t, "user", "ana"), b.entitlement(t, "group", "Sales"))
	if status.Code(err) != codes.PermissionDenied || !strings.Contains(err.Error(), "scope groups") {
		t.Errorf("read-only key: %v", err)
	}
	if n := b.writes(); n != 1 || b.audit.outcomes[0].Result != connector.ResultFailed {
		t.Errorf("%d writes, outcome %+v", n, b.audit.outcomes)
	}
}

// Faults in the way of a change never make it reported wrongly.
func TestFaultsOfWrites(t *testing.T) {
	t.Parallel()
	const route = "POST /api/v2/usergroups/{id}/members"
	once := func(f jcsim.Fault) jcsim.Settings {
		f.Route, f.Times = route, 1
		return jcsim.Settings{Faults: []jcsim.Fault{f}}
	}
	tests := []struct {
		name     string
		settings jcsim.Settings
		// already is whether a grant that was there before is answered as such.
		already bool
	}{
		{"429", once(jcsim.Fault{Status: http.StatusTooManyRequests, RetryAfter: "3"}), true},
		{"503 before", once(jcsim.Fault{Status: http.StatusServiceUnavailable}), false},
		{"503 after", once(jcsim.Fault{Effect: jcsim.EffectStatusAfter, Status: http.StatusServiceUnavailable}), false},
		{"reset before", once(jcsim.Fault{Effect: jcsim.EffectReset}), false},
		{"reset after", once(jcsim.Fault{Effect: jcsim.EffectResetAfter}), false},
		{"lagging reads", jcsim.Settings{Behavior: jcsim.Behavior{LagReads: 4}}, true},
		{"slow graph", jcsim.Settings{Behavior: jcsim.Behavior{LagTime: 40 * time.Second}}, true},
		{"the first read back fails", jcsim.Settings{Faults: []jcsim.Fault{{
			Route: "GET /api/v2/users/{id}/memberof", Status: http.StatusBadGateway, Times: 2,
		}}}, true},
	}
	for _, tt := range tests {
		for _, before := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, held %v", tt.name, before), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					b := newBench(t, tt.settings, jcsim.Rights{})
					name := "ana"
					if before {
						name = "bo"
					}
					who, what := b.principal(t, "user", name), b.entitlement(t, "group", "Sales")
					notes, err := b.grant(t.Context(), who, what)
					if err != nil || !b.holds(t, who, what) {
						t.Fatalf("grant: %v, held %v", err, b.holds(t, who, what))
					}
					if got, want := has(notes, &v2.GrantAlreadyExists{}), before && tt.already; got != want {
						t.Errorf("already there: %v, want %v", got, want)
					}

					b = newBench(t, tt.settings, jcsim.Rights{})
					who, what = b.principal(t, "user", name), b.entitlement(t, "group", "Sales")
					notes, err = b.revoke(t.Context(), who, what)
					if err != nil || b.holds(t, who, what) {
						t.Fatalf("revoke: %v, held %v", err, b.holds(t, who, what))
					}
					if got, want := has(notes, &v2.GrantAlreadyRevoked{}), !before && tt.already; got != want {
						t.Errorf("already gone: %v, want %v", got, want)
					}
				})
			})
		}
	}
}

// A change that fails for good after an attempt whose fate is not known is not
// reported as failed.
func TestFailureAfterDoubt(t *testing.T) {
	t.Parallel()
	const route = "POST /api/v2/usergroups/{id}/members"
	for _, tt := range []struct {
		name     string
		last     jcsim.Fault
		code     codes.Code
		attempts int
	}{
		{"forbidden", jcsim.Fault{Status: http.StatusForbidden}, codes.PermissionDenied, 2},
		{"out of order", jcsim.Fault{Status: http.StatusBadGateway}, codes.Unavailable, 8},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tt.last.Route = route
				b := newBench(t, jcsim.Settings{Faults: []jcsim.Fault{
					{Route: route, Effect: jcsim.EffectResetAfter, Times: 1}, tt.last,
				}}, jcsim.Rights{})
				_, err := b.grant(t.Context(), b.principal(t, "user", "ana"), b.entitlement(t, "group", "Sales"))
				if status.Code(err) != tt.code || !strings.Contains(err.Error(), "an earlier attempt may have made the change") {
					t.Errorf("got %v: %v", status.Code(err), err)
				}
				if o := b.audit.outcomes[0]; o.Result != connector.ResultUnknown || o.Attempts != tt.attempts {
					t.Errorf("outcome %+v", o)
				}
			})
		})
	}
}

func TestChangeThatDoesNotShow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, jcsim.Settings{Behavior: jcsim.Behavior{LagTime: 10 * time.Minute}}, jcsim.Rights{})
		started := time.Now()
		_, err := b.grant(t.Context(), b.principal(t, "user", "ana"), b.entitlement(t, "group", "Sales"))
		if status.Code(err) != codes.DeadlineExceeded || !strings.Contains(err.Error(), "accepted by JumpCloud, not yet visible; repeating is safe") {
			t.Errorf("got %v", err)
		}
		if took := time.Since(started); took != time.Minute {
			t.Errorf("gave up after %v", took)
		}
		if o := b.audit.outcomes[0]; o.Result != connector.ResultAccepted || o.Attempts != 1 {
			t.Errorf("outcome %+v", o)
		}
	})
}

// A 404 on removing is no proof that the edge is gone.
func TestWrongNotFound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		wrong := jcsim.Settings{Behavior: jcsim.Behavior{WrongNotFound: jcsim.Routes{"POST /api/v2/usergroups/{id}/members"}}}
		b := newBench(t, wrong, jcsim.Rights{})
		_, err := b.revoke(t.Context(), b.principal(t, "user", "bo"), b.entitlement(t, "group", "Sales"))
		if status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "contradicts itself") {
			t.Errorf("revoke: %v", err)
		}
		_, err = b.grant(t.Context(), b.principal(t, "user", "ana"), b.entitlement(t, "group", "Sales"))
		if status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "both exist") {
			t.Errorf("grant: %v", err)
		}
		for _, o := range b.audit.outcomes {
			if o.Result != connector.ResultFailed {
				t.Errorf("outcome %+v", o)
			}
		}
	})
}

// What goes away between the check and the write is named.
func TestGoneMeanwhile(t *testing.T) {
	t.Parallel()
	for _, victim := range []string{"user", "group"} {
		for _, verb := range []string{"grant", "revoke"} {
			for _, when := range []string{"POST /api/v2/usergroups/{id}/members", "GET /api/v2/users/{id}/memberof"} {
				if verb == "revoke" && strings.HasPrefix(when, "GET") {
					continue // Taken out and then deleted: nothing is wrong with that.
				}
				t.Run(strings.Join([]string{victim, verb, when}, " "), func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						b := newBench(t, jcsim.Settings{}, jcsim.Rights{})
						name := map[string]string{"grant": "ana", "revoke": "bo"}[verb]
						who, what := b.principal(t, "user", name), b.entitlement(t, "group", "Sales")
						b.server.OnRequest(func(_ int, route string) {
							switch {
							case route != when:
							case victim == "user":
								_ = b.tenant.DeleteUser(name) // It is gone the second time.
							default:
								_ = b.tenant.DeleteGroup("Sales")
							}
						})
						do := map[string]func(context.Context, *v2.Resource, *v2.Entitlement) ([]*anypb.Any, error){"grant": b.grant, "revoke": b.revoke}[verb]
						_, err := do(t.Context(), who, what)
						if status.Code(err) != codes.NotFound || !strings.Contains(err.Error(), victim+" \"") {
							t.Errorf("got %v: %v", status.Code(err), err)
						}
					})
				})
			}
		}
	}
}

func TestCanceledRunSaysWhatWasSent(t *testing.T) {
	t.Parallel()
	const post = "POST /api/v2/usergroups/{id}/members"
	tests := []struct {
		name     string
		settings jcsim.Settings
		says     string
		result   connector.Result
	}{
		{
			"while it is sent",
			jcsim.Settings{Faults: []jcsim.Fault{{Route: post, Effect: jcsim.EffectHang}}},
			"after the change was sent", connector.ResultUnknown,
		},
		{
			"while it waits",
			jcsim.Settings{Faults: []jcsim.Fault{{Route: post, Status: http.StatusTooManyRequests, RetryAfter: "300"}}},
			"nothing was changed", connector.ResultFailed,
		},
		{
			"while it is read back",
			jcsim.Settings{Behavior: jcsim.Behavior{LagTime: time.Hour}},
			"JumpCloud accepted it", connector.ResultAccepted,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, tt.settings, jcsim.Rights{})
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				_, err := b.grant(ctx, b.principal(t, "user", "ana"), b.entitlement(t, "group", "Sales"))
				if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), tt.says) {
					t.Errorf("got %v", err)
				}
				if o := b.audit.outcomes; len(o) != 1 || o[0].Result != tt.result {
					t.Errorf("outcomes %+v", o)
				}
			})
		})
	}
	t.Run("before", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, jcsim.Settings{}, jcsim.Rights{})
		plan, err := b.provisioner.PlanGrant(t.Context(), b.principal(t, "user", "ana"), b.entitlement(t, "group", "Sales"))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := b.provisioner.Apply(ctx, plan); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "nothing was sent") {
			t.Errorf("got %v", err)
		}
	})
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
	for range 2 { // Repeating says it again.
		notes, err := b.revoke(t.Context(), b.principal(t, "user", "bo"), b.entitlement(t, "app", "AWS Prod"))
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
	p := connector.NewProvisioner(newClient(t, spy), connector.ProvisionOptions{Applications: true, Logger: slog.New(slog.DiscardHandler)})
	for _, tt := range []struct {
		who    *v2.Resource
		what   *v2.Entitlement
		revoke bool
		effect string
	}{
		{b.principal(t, "user", "ana"), b.entitlement(t, "group", "Sales"), false, "gets membership of"},
		{b.principal(t, "user", "bo"), b.entitlement(t, "app", "AWS Prod"), true, "loses access to"},
		{b.principal(t, "group", "Ops"), b.entitlement(t, "app", "AWS Prod"), false, "gets access to"},
		{b.principal(t, "user", "ana"), b.entitlement(t, "group", "Sales"), false, "nothing changes"},
		{b.principal(t, "user", "ana"), b.entitlement(t, "group", "Ops"), true, "nothing changes"},
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

package provision_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/provision"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/secret"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
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
    {"name": "Wheel", "attributes": {"sudo": {"enabled": true, "withoutPassword": false}}},
    {"name": "Auto", "rule": [{"field": "department", "operator": "eq", "value": "Sales"}]},
    {"name": "Review", "membershipMethod": "DYNAMIC_REVIEW_REQUIRED"}
  ],
  "applications": [{"displayLabel": "AWS Prod", "name": "aws-sso", "groups": ["Sales", "Auto"], "users": ["bo"]}],
  "directories": [
    {"name": "Workspace", "type": "g_suite", "groups": ["Sales"], "users": ["bo"]},
    {"name": "LDAP", "type": "ldap_server"},
    {"name": "HR", "type": "workday"}
  ],
  "devices": [
    {"_id": "64b000000000000000000de1", "displayName": "laptop", "users": ["bo"], "groups": ["Sales"]},
    {"_id": "64b000000000000000000de2", "displayName": "server", "users": ["ana", "bo"], "groups": ["Wheel"], "sudoUsers": ["bo"]}
  ],
  "radius_servers": [{"name": "Wi-Fi", "groups": ["Sales"], "users": ["bo"]}]
}`

// discard is a log for nobody.
var discard = slog.New(slog.DiscardHandler) //nolint:gochecknoglobals // never changed

// bench is a tenant with a provisioner before it.
type bench struct {
	tenant      *jcsim.Tenant
	server      *jcsim.Server
	provisioner *provision.Provisioner
	audit       *auditor
}

// auditor keeps what an audit is told.
type auditor struct {
	intents  []provision.Change
	outcomes []provision.Outcome
	ids      []string
	refuse   error
}

func (a *auditor) Intent(_ context.Context, c provision.Change) error {
	a.intents = append(a.intents, c)
	return a.refuse
}

func (a *auditor) Outcome(ctx context.Context, c provision.Change, o provision.Outcome) error {
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
	b.provisioner = provision.New(newClient(t, b.server), provision.Options{
		Types: restype.Changeable(false), Audit: b.audit, Logger: slog.New(slog.DiscardHandler),
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
	default:
		for _, o := range b.bound() {
			if o.Name == ref {
				return o.ID
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
	ref, slug, several := strings.Cut(ref, ":")
	r := b.principal(t, kind, ref)
	e := &v2.Entitlement{Id: kind + ":" + r.GetId().GetResource(), Resource: r}
	if several {
		e.Id += ":" + slug
	}
	return e
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

// bound are the directories, RADIUS servers and devices of the tenant.
func (b *bench) bound() []jcsim.Bound {
	return b.tenant.BoundObjects(jcsim.TypeGSuite, jcsim.TypeLDAPServer, jcsim.TypeWorkday, jcsim.TypeRADIUSServer, jcsim.TypeDevice)
}

// holds reads the tenant itself.
func (b *bench) holds(t *testing.T, principal *v2.Resource, entitlement *v2.Entitlement) bool {
	t.Helper()
	on, who := entitlement.GetResource().GetId(), principal.GetId()
	for _, o := range b.bound() {
		switch {
		case o.ID == on.GetResource() && strings.HasSuffix(entitlement.GetId(), ":admin"):
			return slices.Contains(o.Sudo, who.GetResource())
		case o.ID == on.GetResource():
			return slices.Contains(slices.Concat(o.Users, o.Groups), who.GetResource())
		}
	}
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

// inProcess carries requests to a handler without a network, so that a test may
// run in a bubble of fake time.
type inProcess struct{ http.Handler }

// RoundTrip implements [http.RoundTripper]. A handler that panics with
// [http.ErrAbortHandler] breaks the connection, as net/http's server does.
func (h inProcess) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	defer func() {
		if p := recover(); p != nil {
			if p != http.ErrAbortHandler { //nolint:errorlint // A panic's value is compared as net/http does.
				panic(p)
			}
			resp, err = nil, errors.New("connection reset by peer")
		}
	}()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return w.Result(), nil
}

// newClient makes a client of a handler that stands for JumpCloud.
func newClient(t *testing.T, h http.Handler) *jumpcloud.Client {
	t.Helper()
	client, err := jumpcloud.New(jumpcloud.Config{
		BaseURL:   &url.URL{Scheme: "http", Host: "127.0.0.1"},
		APIKey:    secret.New("jca_simulator"),
		UserAgent: "test",
		Transport: inProcess{h},
		Logger:    slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func target(resourceType, id string) *v2.ResourceId {
	return &v2.ResourceId{ResourceType: resourceType, Resource: id}
}

func must[T any](t *testing.T) func(T, error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

package connector_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/secret"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

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

func newSource(t *testing.T, h http.Handler, o connector.Options) *connector.Source {
	t.Helper()
	o.Logger = slog.New(slog.DiscardHandler)
	return connector.NewSource(newClient(t, h), o)
}

// reading is what a source gave, put together as a sync would.
type reading struct {
	resources    map[syncer.Ref]*v2.Resource
	entitlements map[string]*v2.Entitlement
	grants       map[string]*v2.Grant
	facts        []syncer.Fact
	lists        []syncer.List
	gone         []syncer.Ref
	aliases      map[syncer.Ref]syncer.Ref
	remarks      []string
	annotations  []syncer.GrantAnnotations
}

// readAll reads a source to its end, one page after the other, and joins.
func readAll(ctx context.Context, s *connector.Source, scope syncer.Scope) (*reading, error) {
	r := &reading{
		resources: map[syncer.Ref]*v2.Resource{}, entitlements: map[string]*v2.Entitlement{},
		grants: map[string]*v2.Grant{}, aliases: map[syncer.Ref]syncer.Ref{},
	}
	hints := map[syncer.Ref]*v2.Resource{}
	take := func(p *syncer.Page) {
		for _, res := range p.Resources {
			r.resources[refOf(res.GetId())] = res
		}
		for _, res := range p.Hints {
			hints[refOf(res.GetId())] = res
		}
		for _, e := range p.Entitlements {
			r.entitlements[e.GetId()] = e
		}
		for _, g := range p.Grants {
			r.grants[g.GetId()] = g
		}
		for _, l := range p.Lists {
			if !slices.Contains(r.lists, l) {
				r.lists = append(r.lists, l)
			}
		}
		r.facts = append(r.facts, p.Facts...)
		r.remarks = append(r.remarks, p.Remarks...)
	}
	start, err := s.Start(ctx, scope)
	if err != nil {
		return nil, err
	}
	take(start)
	for i := 0; i < len(r.lists); i++ { //nolint:intrange // The lists grow meanwhile.
		if err := r.readList(ctx, s, r.lists[i], take); err != nil {
			return nil, err
		}
	}
	for ref, res := range hints {
		if r.resources[ref] == nil {
			r.resources[ref] = res
		}
	}
	slices.SortFunc(r.facts, func(a, b syncer.Fact) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Key, b.Key))
	})
	return r, s.Join(ctx, scope, r)
}

func (r *reading) readList(ctx context.Context, s *connector.Source, l syncer.List, take func(*syncer.Page)) error {
	var receipts [][]byte
	read := map[string]bool{}
	tokens := []string{""}
	for len(tokens) > 0 {
		for len(tokens) > 0 {
			token := tokens[0]
			tokens = tokens[1:]
			if read[token] {
				continue
			}
			read[token] = true
			p, err := s.Read(ctx, l, token)
			if err != nil {
				return fmt.Errorf("%s: %w", l, err)
			}
			if p.Gone {
				r.gone = append(r.gone, l.Owner)
				delete(r.resources, l.Owner)
				return nil
			}
			take(p)
			if p.Settled {
				return nil
			}
			receipts = append(receipts, p.Receipt)
			tokens = append(tokens, p.Next...)
		}
		verdict, err := s.Settle(ctx, l, receipts, syncer.Occasion{Last: true})
		if err != nil {
			return fmt.Errorf("%s: %w", l, err)
		}
		tokens = verdict.Next
	}
	return nil
}

func (r *reading) Facts(_ context.Context, kind string) iter.Seq2[syncer.Fact, error] {
	return func(yield func(syncer.Fact, error) bool) {
		for _, f := range r.facts {
			if f.Kind == kind && !yield(f, nil) {
				return
			}
		}
	}
}

func (r *reading) Resources(_ context.Context, resourceType string) iter.Seq2[*v2.Resource, error] {
	return func(yield func(*v2.Resource, error) bool) {
		for _, id := range r.ids(resourceType) {
			clone, ok := proto.Clone(r.resources[syncer.Ref{Type: resourceType, ID: id}]).(*v2.Resource)
			if !ok || !yield(clone, nil) {
				return
			}
		}
	}
}

func (r *reading) Put(_ context.Context, resources ...*v2.Resource) error {
	for _, res := range resources {
		r.resources[refOf(res.GetId())] = res
	}
	return nil
}

func (r *reading) Alias(_ context.Context, from, to syncer.Ref) error {
	r.aliases[from] = to
	delete(r.resources, from)
	return nil
}

func (r *reading) Holdings(_ context.Context, resourceType string) iter.Seq2[syncer.Holding, error] {
	return func(yield func(syncer.Holding, error) bool) {
		for _, g := range maps.Clone(r.grants) {
			h := syncer.Holding{Entitlement: g.GetEntitlement().GetId(), Resource: refOf(g.GetEntitlement().GetResource().GetId()), Principal: refOf(g.GetPrincipal().GetId())}
			if h.Resource.Type == resourceType && !yield(h, nil) {
				return
			}
		}
	}
}

func (r *reading) PutGrants(_ context.Context, grants ...*v2.Grant) error {
	for _, g := range grants {
		r.grants[g.GetId()] = g
	}
	return nil
}

func (r *reading) AnnotateGrants(_ context.Context, annotations ...syncer.GrantAnnotations) error {
	r.annotations = append(r.annotations, annotations...)
	return nil
}

func (r *reading) Remark(_ context.Context, remarks ...string) error {
	r.remarks = append(r.remarks, remarks...)
	return nil
}

// ids are the ids of the resources of a type, sorted.
func (r *reading) ids(resourceType string) []string {
	var ids []string
	for ref := range r.resources {
		if ref.Type == resourceType {
			ids = append(ids, ref.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

func (r *reading) grantIDs() []string {
	return slices.Sorted(maps.Keys(r.grants))
}

func refOf(id *v2.ResourceId) syncer.Ref {
	return syncer.Ref{Type: id.GetResourceType(), ID: id.GetResource()}
}

// protoDiff makes cmp compare messages.
func protoDiff() gocmp.Option { return protocmp.Transform() }

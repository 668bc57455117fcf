package hostedsync

import (
	"context"
	"errors"
	"fmt"
	"slices"
	gosync "sync"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/anypb"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// counters count calls. They are safe for concurrent use.
type counters struct {
	mu         gosync.Mutex
	all, again int
}

func (c *counters) add(again bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all++
	if again {
		c.again++
	}
}

// page is what every list answers.
type page interface {
	GetNextPageToken() string
	GetAnnotations() []*anypb.Any
}

// action is a list to read, from a page on.
type action struct {
	resource *v2.Resource // or of a type only
	parent   *v2.ResourceId
	token    string
}

// The bounds of EnqueuePageTokens.
const (
	maxTokens     = 1024
	maxTokenBytes = 1 << 20
	maxTokensSize = 16 << 20
)

// read reads lists side by side, each page after page, and the pages that a page enqueues
// as lists of their own. Skippable says that a list that is not found is left out.
func (s *sync) read(ctx context.Context, what string, actions []action, skippable bool, next func(context.Context, action) (page, []action, error)) error {
	for len(actions) > 0 {
		var (
			mu   gosync.Mutex
			more []action
		)
		g, ctx := errgroup.WithContext(ctx)
		g.SetLimit(s.Workers)
		for _, a := range actions {
			g.Go(func() error {
				found, err := s.readOne(ctx, a, next)
				mu.Lock()
				defer mu.Unlock()
				more = append(more, found...)
				s.actions++
				if skippable && status.Code(err) == codes.NotFound {
					s.summary.Warnings = append(s.summary.Warnings, err.Error())
					if n := len(s.summary.Warnings); n > 10 && n*10 > s.actions {
						return errors.New("too many warnings, exiting sync")
					}
					return nil
				}
				return err
			})
		}
		if err := g.Wait(); err != nil {
			return fmt.Errorf("sync %s: %w", what, err)
		}
		actions = more
	}
	return nil
}

// readOne reads one list to its end, and returns what else is to be read because of it.
func (s *sync) readOne(ctx context.Context, a action, next func(context.Context, action) (page, []action, error)) ([]action, error) {
	var more []action
	for {
		p, found, err := next(ctx, a)
		if err != nil {
			return nil, err
		}
		more = append(more, found...)
		tokens, err := enqueued(p)
		if err != nil {
			return nil, err
		}
		for _, t := range tokens {
			more = append(more, action{resource: a.resource, parent: a.parent, token: t})
		}
		token := p.GetNextPageToken()
		if token == "" {
			return more, nil
		}
		if token == a.token {
			return nil, status.Error(codes.Internal, "next page token unchanged - likely a connector bug")
		}
		if len(token) > maxTokenBytes {
			return nil, fmt.Errorf("page token of %d bytes", len(token))
		}
		a.token = token
	}
}

// enqueued reads the pages that a page names beside the next one.
func enqueued(p page) ([]string, error) {
	var tokens []string
	found := 0
	for _, a := range p.GetAnnotations() {
		e := new(v2.EnqueuePageTokens)
		if !a.MessageIs(e) {
			continue
		}
		if err := a.UnmarshalTo(e); err != nil {
			return nil, err
		}
		found++
		tokens = e.GetPageTokens()
	}
	size := 0
	for _, t := range tokens {
		if size += len(t); t == "" || len(t) > maxTokenBytes {
			return nil, fmt.Errorf("EnqueuePageTokens: token of %d bytes", len(t))
		}
	}
	if found > 1 || len(tokens) > maxTokens || size > maxTokensSize {
		return nil, fmt.Errorf("EnqueuePageTokens: %d annotations, %d tokens, %d bytes", found, len(tokens), size)
	}
	return tokens, nil
}

func (s *sync) listTypes(ctx context.Context) error {
	client := v2.NewResourceTypesServiceClient(s.Conn)
	err := s.read(ctx, "resource types", []action{{}}, false, func(ctx context.Context, a action) (page, []action, error) {
		answer, err := call(ctx, s, "list resource types", client.ListResourceTypes,
			&v2.ResourceTypesServiceListResourceTypesRequest{PageToken: a.token, ActiveSyncId: s.activeSyncID})
		s.putTypes(answer.GetList(), s.ResourceTypes)
		return answer, nil, err
	})
	for _, t := range s.ResourceTypes {
		if err == nil && s.types[t] == nil {
			err = fmt.Errorf("invalid resource type '%s' in filter", t)
		}
	}
	return err
}

func (s *sync) listResources(ctx context.Context) error {
	var actions []action
	for _, t := range sorted(s.types) {
		actions = append(actions, ofType(t.GetId()))
	}
	return s.read(ctx, "resources", actions, false, func(ctx context.Context, a action) (page, []action, error) {
		answer, err := call(ctx, s, "list resources", s.resources.ListResources, &v2.ResourcesServiceListResourcesRequest{
			ResourceTypeId: a.resource.GetId().GetResourceType(), ParentResourceId: a.parent, PageToken: a.token, ActiveSyncId: s.activeSyncID,
		})
		if err != nil {
			return nil, nil, err
		}
		children, err := s.putResources(answer.GetList())
		return answer, children, err
	})
}

// ofType is a list of a type as a whole.
func ofType(id string) action {
	return action{resource: &v2.Resource{Id: &v2.ResourceId{ResourceType: id, Resource: id}}}
}

func (s *sync) listStatic(ctx context.Context) error {
	var actions []action
	for _, t := range sorted(s.types) {
		actions = append(actions, ofType(t.GetId()))
	}
	return s.read(ctx, "static entitlements", actions, true, func(ctx context.Context, a action) (page, []action, error) {
		answer, err := call(ctx, s, "list static entitlements", s.entitlements.ListStaticEntitlements,
			&v2.EntitlementsServiceListStaticEntitlementsRequest{ResourceTypeId: a.resource.GetId().GetResourceType(), PageToken: a.token, ActiveSyncId: s.activeSyncID})
		if err == nil && len(answer.GetList()) > 0 {
			err = errors.New("static entitlements are not supported by this platform")
		}
		return answer, nil, err
	})
}

func (s *sync) listEntitlements(ctx context.Context) error {
	actions, err := s.perResource(&v2.TypeScopedEntitlements{}, &v2.SkipEntitlements{})
	if err != nil {
		return err
	}
	return s.read(ctx, "entitlements", actions, true, func(ctx context.Context, a action) (page, []action, error) {
		answer, err := call(ctx, s, "list entitlements", s.entitlements.ListEntitlements,
			&v2.EntitlementsServiceListEntitlementsRequest{Resource: a.resource, PageToken: a.token, ActiveSyncId: s.activeSyncID})
		s.putEntitlements(answer.GetList())
		return answer, nil, err
	})
}

func (s *sync) listGrants(ctx context.Context) error {
	actions, err := s.perResource(&v2.TypeScopedGrants{}, &v2.SkipGrants{})
	if err != nil {
		return err
	}
	return s.read(ctx, "grants", actions, true, func(ctx context.Context, a action) (page, []action, error) {
		answer, err := call(ctx, s, "list grants", s.grants.ListGrants,
			&v2.GrantsServiceListGrantsRequest{Resource: a.resource, PageToken: a.token, ActiveSyncId: s.activeSyncID})
		if err != nil {
			return nil, nil, err
		}
		tokens, err := enqueued(answer)
		s.putGrants(answer.GetList(), len(tokens))
		return answer, nil, err
	})
}

// perResource are the lists of each resource, but for those that the connector wants left
// out.
func (s *sync) perResource(typeScoped, skip message) ([]action, error) {
	var actions []action
	for _, r := range sorted(s.stored) {
		t := s.types[r.GetId().GetResourceType()]
		if has(t.GetAnnotations(), typeScoped) {
			return nil, fmt.Errorf("lists of the type %s as a whole are not supported by this platform", t.GetId())
		}
		all := slices.Concat(r.GetAnnotations(), t.GetAnnotations())
		if !has(all, &v2.SkipEntitlementsAndGrants{}) && !has(all, skip) {
			actions = append(actions, action{resource: r})
		}
	}
	return actions, nil
}

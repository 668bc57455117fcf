package connector

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/paging"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/printable"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// directoryKind is a kind of directory that users and groups are bound to.
type directoryKind struct {
	graph    string     // JumpCloud's type
	bindings collection // the list of who is bound to one
	words    string
}

// directoryKinds are all kinds that somebody can be bound to.
func directoryKinds() []directoryKind {
	return []directoryKind{
		{jumpcloud.TypeGSuite, "gsuite-bindings", "Google Workspace"},
		{jumpcloud.TypeOffice365, "office365-bindings", "Microsoft 365"},
		{jumpcloud.TypeLDAPServer, "ldap-bindings", "LDAP"},
		{jumpcloud.TypeActiveDirectory, "activedirectory-bindings", "Active Directory"},
	}
}

// workday is the type of a directory that only sends people to JumpCloud: nobody is bound
// to it.
const workday = "workday"

func directoryKindOf(graph string) (directoryKind, bool) {
	kinds := directoryKinds()
	if i := slices.IndexFunc(kinds, func(k directoryKind) bool { return k.graph == graph }); i >= 0 {
		return kinds[i], true
	}
	return directoryKind{}, false
}

// directoryResource maps a directory (JumpCloud API v2, /directories).
func directoryResource(d *jumpcloud.Directory) (*v2.Resource, error) {
	if err := checkID(restype.Directory, d.ID, d.Name); err != nil {
		return nil, err
	}
	p := profile{}
	p.text(profileType, d.Type)
	p.text("domain", d.Domain)
	return withAppTrait(&v2.Resource{
		Id:          resourceID(restype.Directory, d.ID),
		DisplayName: DirectoryName(d),
		Profile:     p.message(),
	}, &v2.AppTrait{}), nil
}

// DirectoryName is the display name of a directory. JumpCloud gives many the same one.
func DirectoryName(d *jumpcloud.Directory) string {
	k, _ := directoryKindOf(d.Type)
	return printable.Clip(firstText(d.Name, k.words, d.ID), MaxDisplayName)
}

// directoryEntitlements are having an account in a directory. Nobody can be given one of a
// kind that JumpCloud binds nobody to.
func directoryEntitlements(r *v2.Resource) []*v2.Entitlement {
	k, ok := directoryKindOf(profileText(r.GetProfile(), profileType))
	if !ok {
		return nil
	}
	return []*v2.Entitlement{accessEntitlement(r.GetId(), r.GetDisplayName(), "Account in the "+k.words+" directory "+r.GetDisplayName())}
}

// directoryHolders is the list of who is bound to a directory.
func directoryHolders(r *v2.Resource) syncer.List {
	k, _ := directoryKindOf(profileText(r.GetProfile(), profileType))
	return kind{collection: k.bindings}.of(refOf(r.GetId()))
}

// directoryMapping is about directories that JumpCloud provisions accounts to.
func directoryMapping() mapping {
	m := mapping{
		id: restype.Directory,
		start: func(_ *Source, page *syncer.Page, k kind, has func(string) bool) {
			if has(restype.Directory) {
				page.Lists = append(page.Lists, k.with(directories).of(syncer.Ref{}))
			}
		},
		target: func(ctx context.Context, s *Source, page *syncer.Page, k kind, target syncer.Ref) error {
			d, err := s.findDirectory(ctx, target.ID)
			if err != nil {
				return err
			}
			return s.fillDirectories(page, k, []jumpcloud.Directory{*d})
		},
		entitlements: directoryEntitlements, holders: only(directoryHolders),
		gone: func(ctx context.Context, s *Source, id string) error {
			_, err := s.findDirectory(ctx, id)
			return err
		},
		lists: []listing{{id: directories, label: "directories", open: func(s *Source, k kind, _ syncer.Ref) rows {
			return rowsOf(directoryList(s.client), func(_ context.Context, page *syncer.Page, items []jumpcloud.Directory) error {
				return s.fillDirectories(page, k, items)
			})
		}}},
	}
	for _, k := range directoryKinds() {
		m.lists = append(m.lists, bindingList(k.bindings, k.words+" bindings", k.graph))
	}
	return m
}

func directoryList(client *jumpcloud.Client) paging.Lister[jumpcloud.Directory] {
	return paging.Lister[jumpcloud.Directory]{
		Name: "directories", Limit: rowsPerPage, Sorted: true,
		Fetch: client.Directories,
		ID:    func(d jumpcloud.Directory) string { return d.ID },
	}
}

// FindDirectory finds a directory in their list: JumpCloud has no route that reads one
// whose kind is not known. If there is none the error is [syncer.ErrNotFound].
func FindDirectory(ctx context.Context, client *jumpcloud.Client, id string) (*jumpcloud.Directory, error) {
	list, _, err := readList(ctx, directoryList(client))
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(list, func(d jumpcloud.Directory) bool { return d.ID == id }); i >= 0 {
		return &list[i], nil
	}
	return nil, fmt.Errorf("directory %s: %w", printable.Clip(id, MaxID), syncer.ErrNotFound)
}

func (s *Source) findDirectory(ctx context.Context, id string) (*jumpcloud.Directory, error) {
	return FindDirectory(ctx, s.client, id)
}

func (s *Source) fillDirectories(page *syncer.Page, k kind, items []jumpcloud.Directory) error {
	for i := range items {
		d := &items[i]
		r, err := directoryResource(d)
		if err != nil {
			return err
		}
		page.Resources = append(page.Resources, r)
		if directoryEntitlements(r) == nil && d.Type != workday {
			page.Facts = append(page.Facts, doubtDirectory.of(d.ID, d.Type))
		}
		s.fillAccess(page, k, r)
	}
	return nil
}

// radiusResource maps a RADIUS server (JumpCloud API v1, /radiusservers). Its shared secret
// is never read.
func radiusResource(r *jumpcloud.RADIUSServer) (*v2.Resource, error) {
	if err := checkID(restype.RADIUSServer, r.ID, r.Name); err != nil {
		return nil, err
	}
	p := profile{}
	p.text("network_source_ip", r.NetworkSourceIP)
	p.text("mfa", r.MFA)
	p.text("auth_idp", r.AuthIDP)
	p.text("user_lockout_action", r.LockoutAction)
	p.text("password_expiration_action", r.ExpirationAction)
	return withAppTrait(&v2.Resource{
		Id:          resourceID(restype.RADIUSServer, r.ID),
		DisplayName: RADIUSServerName(r),
		Profile:     p.message(),
	}, &v2.AppTrait{}), nil
}

// RADIUSServerName is the display name of a RADIUS server.
func RADIUSServerName(r *jumpcloud.RADIUSServer) string {
	return printable.Clip(firstText(r.Name, r.ID), MaxDisplayName)
}

func radiusEntitlement(r *v2.Resource) *v2.Entitlement {
	return accessEntitlement(r.GetId(), r.GetDisplayName(), "Network access through the RADIUS server "+r.GetDisplayName())
}

func radiusHolders(r *v2.Resource) syncer.List {
	return kind{collection: radiusBindings}.of(refOf(r.GetId()))
}

// radiusMapping is about RADIUS servers.
func radiusMapping() mapping {
	return mapping{
		id: restype.RADIUSServer,
		start: func(_ *Source, page *syncer.Page, k kind, has func(string) bool) {
			if has(restype.RADIUSServer) {
				page.Lists = append(page.Lists, k.with(radiusServers).of(syncer.Ref{}))
			}
		},
		target: func(ctx context.Context, s *Source, page *syncer.Page, k kind, target syncer.Ref) error {
			r, err := s.client.RADIUSServer(ctx, target.ID)
			if err != nil {
				return err
			}
			return s.fillRADIUSServers(page, k, []jumpcloud.RADIUSServer{*r})
		},
		entitlements: only(radiusEntitlement), holders: only(radiusHolders),
		gone: func(ctx context.Context, s *Source, id string) error {
			_, err := s.client.RADIUSServer(ctx, id)
			return err
		},
		lists: []listing{
			{id: radiusServers, label: "RADIUS servers", open: func(s *Source, k kind, _ syncer.Ref) rows {
				return rowsOf(paging.Lister[jumpcloud.RADIUSServer]{
					Name: "RADIUS servers", Limit: rowsPerPage, Sorted: true,
					Fetch: s.client.RADIUSServers,
					ID:    func(r jumpcloud.RADIUSServer) string { return r.ID },
				}, func(_ context.Context, page *syncer.Page, items []jumpcloud.RADIUSServer) error {
					return s.fillRADIUSServers(page, k, items)
				})
			}},
			bindingList(radiusBindings, "RADIUS bindings", jumpcloud.TypeRADIUSServer),
		},
	}
}

func (s *Source) fillRADIUSServers(page *syncer.Page, k kind, items []jumpcloud.RADIUSServer) error {
	for i := range items {
		server := &items[i]
		r, err := radiusResource(server)
		if err := errors.Join(err, s.belongs("RADIUS server", server.ID, server.Organization)); err != nil {
			return err
		}
		page.Resources = append(page.Resources, r)
		s.fillAccess(page, k, r)
	}
	return nil
}

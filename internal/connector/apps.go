package connector

import (
	"context"
	"errors"
	"net/url"

	"github.com/conductorone/baton-jumpcloud/internal/identity"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud/paging"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/printable"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// AdministrationAppName is what people see of the administration app.
const AdministrationAppName = "JumpCloud Administration"

// appResource maps an application (JumpCloud API v1, /applications). Its
// configuration, which may hold private keys, is never read.
func appResource(a *jumpcloud.Application) (*v2.Resource, error) {
	if err := checkID(restype.App, a.ID, AppName(a)); err != nil {
		return nil, err
	}
	p := profile{}
	p.text("name", a.Name)
	p.text("sso_url", a.SSOURL)
	p.text("organization", a.Organization)
	trait := &v2.AppTrait{HelpUrl: httpsURL(a.LearnMore), Flags: appFlags(a)}
	if a.LogoURL != "" && len(a.LogoURL) <= maxURL {
		trait.Logo = &v2.AssetRef{Id: printable.Clip(a.LogoURL, maxURL)}
	}
	return withAppTrait(&v2.Resource{
		Id:          resourceID(restype.App, a.ID),
		DisplayName: AppName(a),
		Profile:     p.message(),
	}, trait), nil
}

// AdministrationApp stands for the administration of the organization: whoever is
// an administrator has access to it.
func AdministrationApp() *v2.Resource {
	return withAppTrait(&v2.Resource{
		Id:          resourceID(restype.App, restype.AdministrationAppID),
		DisplayName: AdministrationAppName,
	}, &v2.AppTrait{})
}

// withAppTrait puts the trait on an app together with what the resource holds of
// it. JumpCloud knows one picture of an application, so that the logo is the icon
// too.
func withAppTrait(r *v2.Resource, trait *v2.AppTrait) *v2.Resource {
	r.Icon = trait.GetLogo()
	trait.Profile = r.GetProfile() //nolint:staticcheck // For older readers.
	trait.Icon = r.GetIcon()       //nolint:staticcheck // For older readers.
	r.Annotations = Annotations(trait)
	return r
}

// AppName is the display name of an application.
func AppName(a *jumpcloud.Application) string {
	return printable.Clip(firstText(a.DisplayLabel, a.DisplayName, a.Name, a.ID), MaxDisplayName)
}

// appFlags are in the order of the table that describes them, which is the same
// for all apps.
func appFlags(a *jumpcloud.Application) []v2.AppTrait_AppFlag {
	var flags []v2.AppTrait_AppFlag
	if a.Active == jumpcloud.False {
		flags = append(flags, v2.AppTrait_APP_FLAG_INACTIVE)
	}
	if a.Hidden.IsTrue() {
		flags = append(flags, v2.AppTrait_APP_FLAG_HIDDEN)
	}
	switch identity.Fold(a.SSOType) {
	case "saml":
		flags = append(flags, v2.AppTrait_APP_FLAG_SAML)
	case "oidc":
		flags = append(flags, v2.AppTrait_APP_FLAG_OIDC)
	case "bookmark":
		flags = append(flags, v2.AppTrait_APP_FLAG_BOOKMARK)
	}
	return flags
}

// httpsURL returns an address that readers accept as a link, else "".
func httpsURL(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" || u.Host == "" || len(s) > maxURL || printable.Clean(s) != s {
		return ""
	}
	return s
}

// appEntitlement is access to an application, or to the administration app.
func appEntitlement(r *v2.Resource) *v2.Entitlement {
	if r.GetId().GetResource() == restype.AdministrationAppID {
		return administrationEntitlement()
	}
	name := r.GetDisplayName()
	return accessEntitlement(resourceID(restype.App, r.GetId().GetResource()), name, "Access to the JumpCloud application "+name)
}

// appAssignments is the list of whom an application is assigned to. Who has access to the
// administration app is among the administrators.
func appAssignments(r *v2.Resource) syncer.List {
	if r.GetId().GetResource() == restype.AdministrationAppID {
		return syncer.List{}
	}
	return kind{collection: assignments}.of(refOf(r.GetId()))
}

// administrationEntitlement is the entitlement of the administration app. It is
// immutable: only making or deleting an administrator changes who has it.
func administrationEntitlement() *v2.Entitlement {
	e := accessEntitlement(resourceID(restype.App, restype.AdministrationAppID), AdministrationAppName,
		"Access to the administration of the JumpCloud organisation")
	e.Annotations = Annotations(&v2.EntitlementImmutable{})
	return e
}

// appMapping is about applications, and the administration app.
func appMapping() mapping {
	return mapping{
		id: restype.App,
		start: func(_ *Source, page *syncer.Page, k kind, has func(string) bool) {
			if !has(restype.App) {
				return
			}
			page.Lists = append(page.Lists, k.with(apps).of(syncer.Ref{}))
			page.Resources = append(page.Resources, AdministrationApp())
			if !k.resourcesOnly {
				page.Entitlements = append(page.Entitlements, administrationEntitlement())
			}
		},
		target:       readTargetApp,
		entitlements: only(appEntitlement), holders: only(appAssignments),
		gone: func(ctx context.Context, s *Source, id string) error {
			_, err := s.client.Application(ctx, id)
			return err
		},
		lists: []listing{
			{id: apps, label: "applications", open: func(s *Source, k kind, _ syncer.Ref) rows {
				return rowsOf(paging.Lister[jumpcloud.Application]{
					Name: apps.label(), Limit: rowsPerPage, Sorted: true,
					Fetch: s.client.Applications,
					ID:    func(a jumpcloud.Application) string { return a.ID },
				}, func(_ context.Context, page *syncer.Page, items []jumpcloud.Application) error {
					return s.fillApps(page, k, items)
				})
			}},
			bindingList(assignments, "application assignments", jumpcloud.TypeApplication),
		},
	}
}

func (s *Source) fillApps(page *syncer.Page, k kind, items []jumpcloud.Application) error {
	for i := range items {
		if err := s.fillApp(page, k, &items[i]); err != nil {
			return err
		}
	}
	return nil
}

func (s *Source) fillApp(page *syncer.Page, k kind, a *jumpcloud.Application) error {
	r, err := appResource(a)
	if err := errors.Join(err, s.belongs("application", a.ID, a.Organization)); err != nil {
		return err
	}
	page.Resources = append(page.Resources, r)
	page.Facts = append(page.Facts, oddFlags("application", a.ID, namedFlag{"active", a.Active}, namedFlag{"sso.hidden", a.Hidden})...)
	if k.resourcesOnly {
		return nil
	}
	page.Entitlements = append(page.Entitlements, appEntitlement(r))
	if !k.noGrants {
		page.Lists = append(page.Lists, appAssignments(r))
	}
	return nil
}

func readTargetApp(ctx context.Context, s *Source, page *syncer.Page, k kind, target syncer.Ref) error {
	if target.ID != restype.AdministrationAppID {
		a, err := s.client.Application(ctx, target.ID)
		if err != nil {
			return err
		}
		return s.fillApp(page, k, a)
	}
	page.Resources = append(page.Resources, AdministrationApp())
	if k.resourcesOnly {
		return nil
	}
	page.Entitlements = append(page.Entitlements, administrationEntitlement())
	if !k.noGrants {
		s.listHolders(page, k, target)
	}
	return nil
}

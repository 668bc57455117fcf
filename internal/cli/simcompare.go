package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/jcsim"
)

// maxShown bounds how many differences are told.
const maxShown = 3

// compareArchive says in words whether an archive is what a simulated organisation
// holds now: every account, group and application, and who has what. It is unpacked
// in the folder temp.
func compareArchive(ctx context.Context, path, temp string, tenant *jcsim.Tenant) (string, error) {
	reader, err := c1z.Open(ctx, path, c1z.OpenOptions{TempDir: temp})
	if err != nil {
		return "", err
	}
	defer func() { _ = reader.Close() }()
	run, err := reader.Latest(ctx)
	if err != nil {
		return "", err
	}
	want, err := facts(tenant)
	if err != nil {
		return "", err
	}
	got := make(map[string]bool)
	for r, err := range reader.Resources(ctx, run.ID, c1z.ResourceFilter{}) {
		if err != nil {
			return "", err
		}
		if r.GetId().GetResourceType() != connector.TypeRole {
			got[r.GetId().GetResourceType()+" "+r.GetId().GetResource()] = true
		}
	}
	var resources, grants int64
	resources = int64(len(got))
	for g, err := range reader.GrantKeys(ctx, run.ID, c1z.GrantFilter{}) {
		if err != nil {
			return "", err
		}
		if g.ResourceType != connector.TypeRole {
			grants++
			got[held(g.Entitlement, g.PrincipalType, g.Principal)] = true
		}
	}
	missing, extra := without(want, got), without(got, want)
	if len(missing)+len(extra) == 0 {
		return fmt.Sprintf("it equals the organisation, %s resources and %s grants", humanize.Comma(resources), humanize.Comma(grants)), nil
	}
	return fmt.Sprintf("it DIFFERS from the organisation as it is now: %d facts are missing%s, %d are extra%s",
		len(missing), shown(missing), len(extra), shown(extra)), nil
}

// facts are what a simulated organisation holds, as texts to compare. Roles are left
// out: which there are is the connector's to say.
func facts(tenant *jcsim.Tenant) (map[string]bool, error) {
	all := map[string]bool{connector.TypeApp + " " + connector.AdministrationAppID: true}
	holds := func(entitlement, principalType string, principals []string) {
		for _, p := range principals {
			all[held(entitlement, principalType, p)] = true
		}
	}
	for _, u := range slices.Concat(tenant.Users(), tenant.HiddenUsers()) {
		all[connector.TypeUser+" "+u.ID] = true
	}
	for _, a := range tenant.Admins() {
		all[connector.TypeUser+" "+a.ID] = true
		holds("app:"+connector.AdministrationAppID, connector.TypeUser, []string{a.ID})
	}
	var errs []error
	for _, g := range tenant.Groups() {
		all[connector.TypeGroup+" "+g.ID] = true
		members, err := tenant.Members(g.ID)
		errs = append(errs, err)
		holds("group:"+g.ID, connector.TypeUser, members)
	}
	for _, a := range tenant.Applications() {
		all[connector.TypeApp+" "+a.ID] = true
		users, err := tenant.EffectiveAppUsers(a.ID)
		groups, wrong := tenant.AppGroups(a.ID)
		errs = append(errs, err, wrong)
		holds("app:"+a.ID, connector.TypeUser, users)
		holds("app:"+a.ID, connector.TypeGroup, groups)
	}
	return all, errors.Join(errs...)
}

// held is a grant as a text.
func held(entitlement, principalType, principal string) string {
	return principalType + " " + principal + " on " + entitlement
}

// without lists what is in one set and not in the other.
func without(set, other map[string]bool) []string {
	var list []string
	for text := range set {
		if !other[text] {
			list = append(list, text)
		}
	}
	slices.Sort(list)
	return list
}

// shown quotes the first of a list.
func shown(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return " (" + strings.Join(list[:min(len(list), maxShown)], "; ") + ")"
}

package config

import (
	"fmt"
	"slices"
	"strings"
)

// RelationKind says what a [Relation] demands of its options.
type RelationKind int

// The kinds of relation.
const (
	Together     RelationKind = iota // all of Names or none of them
	Exclusive                        // at most one of Names
	DependsOn                        // Names only together with all of On
	DependsOnOne                     // Names only together with one of On
)

// Relation is a rule between options. Only options that are set count, wherever
// they are set: on the command line, in the environment or in the file.
type Relation struct {
	Kind  RelationKind
	Names []string
	On    []string // for DependsOn and DependsOnOne
}

// Relations lists the rules between options. The slice is the caller's to keep.
//
// Unlike other Baton connectors this one holds to the rules that are declared
// as "dependent on" too.
func Relations() []Relation {
	return []Relation{
		{Kind: Together, Names: []string{nameJCClientID, nameJCSecret}},
		{Kind: Exclusive, Names: []string{nameMergeAdmins, nameSkipAdmins}},
		{Kind: Exclusive, Names: []string{nameRegion, nameBaseURL}},
		// A preview that was asked for and not given would be a change.
		{Kind: DependsOnOne, Names: []string{nameDryRun}, On: []string{nameGrantEntitlement, nameRevokeGrant, nameInvokeAction, nameCreateLogin, nameCreateProfile, nameDeleteResource, nameRotate}},
		// Other Baton connectors sync in silence where these stand alone.
		{Kind: DependsOnOne, Names: []string{nameCreateEmail}, On: []string{nameCreateLogin, nameCreateProfile}},
		{Kind: DependsOnOne, Names: []string{nameCreateType}, On: []string{nameCreateLogin, nameCreateProfile}},
		{Kind: DependsOn, Names: []string{nameDeleteType}, On: []string{nameDeleteResource}},
		{Kind: DependsOn, Names: []string{nameRotateType}, On: []string{nameRotate}},
		{Kind: DependsOn, Names: []string{nameInvokeArgs}, On: []string{nameInvokeAction}},
		{Kind: DependsOn, Names: []string{nameInvokeType}, On: []string{nameInvokeAction}},
		{Kind: DependsOn, Names: []string{nameListActionsType}, On: []string{nameListActions}},
		{Kind: DependsOn, Names: []string{nameEventFeedID, nameEventFeedStart, nameEventFeedCursor}, On: []string{nameEventFeed}},
		{Kind: Exclusive, Names: []string{nameDryRun, nameClientID}},

		{Kind: Together, Names: []string{nameGrantEntitlement, nameGrantPrincipal}},
		{Kind: Together, Names: []string{nameClientID, nameClientSecret}},
		{Kind: Together, Names: []string{"create-ticket", "ticket-template-path"}},
		{Kind: Together, Names: []string{"bulk-create-ticket", "bulk-ticket-template-path"}},
		{Kind: Together, Names: []string{"get-ticket", "ticket-id"}},
		{Kind: Together, Names: []string{"diff-syncs", "base-sync-id", "applied-sync-id"}},
		{Kind: Together, Names: []string{"compact-syncs", "compact-sync-ids", "compact-file-paths", "compact-output-path"}},

		{Kind: Exclusive, Names: []string{
			nameGrantEntitlement, nameRevokeGrant, "create-account-login", "delete-resource", "rotate-credentials",
			nameEventFeed, "create-ticket", "get-ticket", "list-ticket-schemas", "bulk-create-ticket",
		}},
		{Kind: Exclusive, Names: []string{
			nameGrantEntitlement, nameRevokeGrant, "create-account-email", "delete-resource-type", "rotate-credentials-type",
			nameEventFeed, "diff-syncs", "compact-syncs", "list-ticket-schemas",
		}},

		{Kind: Exclusive, Names: []string{nameOtelCertPath, nameOtelCert}},

		{Kind: DependsOn, Names: []string{"external-resource-entitlement-id-filter"}, On: []string{"external-resource-c1z"}},
		{Kind: DependsOn, Names: []string{"external-resource-traits"}, On: []string{"external-resource-c1z"}},
		{Kind: DependsOn, Names: []string{"skip-grants"}, On: []string{"sync-resources"}},
	}
}

// check returns what is wrong with the options that are present, in the words
// that users of Baton connectors know, or nothing.
func (r Relation) check(present func(name string) bool) []Problem {
	set := slices.DeleteFunc(slices.Sorted(slices.Values(r.Names)), func(n string) bool { return !present(n) })
	unset := slices.DeleteFunc(slices.Sorted(slices.Values(r.Names)), present)
	group := strings.Join(r.Names, " ")
	switch {
	case slices.Equal(set, []string{nameClientID}) && slices.Equal(unset, []string{nameClientSecret}):
		return nil // checkService says it in words of its own.
	case slices.Equal(r.Names, []string{"skip-grants"}) && present(nameClientID):
		return nil // So it does of this.
	case r.Kind == Together && len(set) > 0 && len(unset) > 0:
		return []Problem{{Text: fmt.Sprintf("if any flags in the group [%s] are set they must all be set; missing %v", group, unset)}}
	case r.Kind == Exclusive && len(set) > 1:
		return []Problem{{Text: fmt.Sprintf("if any flags in the group [%s] are set none of the others can be; %v were all set", group, set)}}
	case r.Kind == DependsOn && len(set) > 0 && slices.ContainsFunc(r.On, func(n string) bool { return !present(n) }):
		if slices.Equal(r.Names, []string{"skip-grants"}) {
			return []Problem{{Text: "skip-grants can only be set within a targeted sync", Hint: "name resources with --sync-resources, or use --skip-entitlements-and-grants"}}
		}
		return []Problem{{Text: fmt.Sprintf("set fields (%s) are dependent on (%s) being set", quoted(set), quoted(r.On))}}
	case r.Kind == DependsOnOne && len(set) > 0 && !slices.ContainsFunc(r.On, present):
		return []Problem{{Text: fmt.Sprintf("set fields (%s) are dependent on one of (%s) being set", quoted(set), quoted(r.On))}}
	}
	return nil
}

// quoted lists names as validators of Baton connectors print them.
func quoted(names []string) string {
	return "'" + strings.Join(names, "' and '") + "'"
}

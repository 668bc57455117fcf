package view

import (
	"github.com/spf13/cobra"

	"github.com/conductorone/baton-jumpcloud/internal/review"
)

// AddResourceFilters declares the flags that restrict a list of resources.
func AddResourceFilters(o *Options, cmd *cobra.Command) {
	flags := cmd.Flags()
	o.AddFilter(flags, "type", "type", "Only resources of this resource type")
	o.AddFilter(flags, "kind", "kind", "Only this kind of resource: account, group, application, role or other")
	o.AddFilter(flags, "status", "status", "Only accounts with this status: enabled, disabled, deleted or unknown")
	o.AddFilter(flags, "details", "details", "Only accounts with this status detail: suspended, locked or staged")
	o.AddFilter(flags, "mfa", "mfa", "Only accounts with this MFA status: yes, no or unknown")
	o.AddFilter(flags, "account-type", "account_type", "Only accounts of this account type: human, service or system")
	o.AddFilter(flags, "department", "department", "Only accounts of this department")
	o.AddFilter(flags, "manager", "manager", "Only accounts with this manager")
	o.AddFilter(flags, "parent", "parent", "Only children of this resource (TYPE:ID)")
	o.AddSwitch(flags, "admin", "admin", "yes", "Only accounts with a role")
	o.AddSwitch(flags, "holds", "holds", "yes", "Only resources with access to something")
	o.AddSwitch(flags, "empty", "empty", "yes", "Only resources that nobody has access to")
	AddCompletions(cmd, map[string][]string{
		"kind": review.KindWords(), "status": {"enabled", "disabled", "deleted", "unknown"}, "mfa": {"yes", "no", "unknown"},
		"account-type": {"human", "service", "system"}, "details": {"suspended", "locked", "staged"},
	})
}

// AddEntitlementFilters declares the flags that restrict a list of entitlements.
func AddEntitlementFilters(o *Options, cmd *cobra.Command) {
	flags := cmd.Flags()
	o.AddFilter(flags, "type", "type", "Only on resources of this resource type")
	o.AddFilter(flags, "kind", "kind", "Only on this kind of resource: account, group, application, role or other")
	o.AddFilter(flags, "resource", "resource", "Only on this resource: name, ID or TYPE:ID")
	o.AddFilter(flags, "slug", "slug", "Only with this slug, such as member or access")
	o.AddFilter(flags, "purpose", "purpose", "Only with this purpose: assignment, permission or ownership")
	o.AddSwitch(flags, "immutable", "immutable", "yes", "Only what the connector cannot change")
	o.AddSwitch(flags, "empty", "empty", "yes", "Only entitlements without grants")
	AddCompletions(cmd, map[string][]string{"kind": review.KindWords(), "purpose": review.Purposes()})
}

// AddGrantFilters declares the flags that restrict a list of grants.
func AddGrantFilters(o *Options, cmd *cobra.Command) {
	flags := cmd.Flags()
	o.AddFilter(flags, "principal", "principal", "Only of this principal: name, email address, login, ID or TYPE:ID")
	o.AddFilter(flags, "entitlement", "entitlement", "Only of this entitlement: ID, or the name of its resource")
	o.AddFilter(flags, "resource", "resource", "Only on this resource: name, ID or TYPE:ID")
	o.AddFilter(flags, "via", "via", "Only grants inherited via this entitlement: ID, or the name of its resource")
	o.AddFilter(flags, "type", "type", "Only on resources of this resource type")
	o.AddFilter(flags, "kind", "kind", "Only on this kind of resource: account, group, application, role or other")
	o.AddFilter(flags, "principal-type", "principal_type", "Only of principals of this resource type")
	o.AddFilter(flags, "principal-kind", "principal_kind", "Only of principals of this kind")
	o.AddSwitch(flags, "immutable", "immutable", "yes", "Only grants that cannot be revoked directly")
	o.AddSwitch(flags, "expandable", "expandable", "yes", "Only grants that others inherit via the principal")
	o.AddWayFilters(cmd)
	AddCompletions(cmd, map[string][]string{"kind": review.KindWords(), "principal-kind": review.KindWords()})
}

// AddWayFilters declares the flags that restrict by how something is held.
func (o *Options) AddWayFilters(cmd *cobra.Command) {
	o.AddSwitch(cmd.Flags(), "direct", "direct", "yes", "Only direct grants")
	o.AddSwitch(cmd.Flags(), "inherited", "direct", "no", "Only inherited grants that are not direct as well")
	cmd.MarkFlagsMutuallyExclusive("direct", "inherited")
}

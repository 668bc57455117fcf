package incremental

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
)

const (
	// Overlap is how much of the time before the previous sync is asked for again:
	// JumpCloud shows events some seconds after they happened and now and then later, and
	// its clock need not be ours.
	Overlap = time.Hour
	// ahead is how far the end of what is asked for lies in the future, as times are sent in
	// whole seconds and JumpCloud's clock may be ahead.
	ahead = time.Minute
	// eventsPerPage is how many events are asked for at once.
	eventsPerPage = 10_000
	// maxPages bounds the pages of events that are read. More events than these are no less
	// work than a full sync.
	maxPages = 100
)

// The kinds of objects, as events name them, that own lists which can be carried over.
const (
	kindGroup       = jumpcloud.TypeUserGroup
	kindApplication = jumpcloud.TypeApplication
)

// isHarmless reports whether events of a type leave the members of all groups and the
// assignments of all applications as they were, unless a rule changes them or an object is no
// more: groups that rules fill are read whatever happened, and the lists of objects show which
// are there. Types that are in no document are not (JumpCloud Directory Insights API, event
// types of the services directory and access_management).
func isHarmless(eventType string) bool {
	switch eventType {
	case // Administrators.
		"admin_create", "admin_delete", "admin_lockout", "admin_login_attempt", "admin_password_change", "admin_password_reset_request", "admin_suspended",
		"admin_totp_delete", "admin_totp_disable", "admin_totp_enroll", "admin_totp_finish_enrollment", "admin_totp_start_enrollment", "admin_unsuspend",
		"admin_update",
		// Second factors.
		"totp_delete_enrollment", "totp_finish_enrollment", "totp_start_enrollment",
		// Users: groups that rules fill are read whatever happened.
		"user_activated", "user_activation_email", "user_activation_schedule_create", "user_activation_schedule_delete", "user_admin_granted",
		"user_admin_revoked", "user_create", "user_create_provision", "user_delete", "user_delete_provision", "user_lockout", "user_login_attempt",
		"user_mfa_exclusion_expired", "user_password_change", "user_password_expired", "user_password_reset_request", "user_password_set",
		"user_password_warning_email", "user_suspended", "user_suspension_schedule_create", "user_suspension_schedule_delete", "user_unlocked",
		"user_unsuspended", "user_update", "user_update_provision",
		// Devices.
		"system_create", "system_delete", "system_update",
		// Commands, policies and addresses.
		"command_create", "command_delete", "command_run", "command_update", "commandresult_delete", "file_create", "file_delete", "file_update",
		"policy_create", "policy_delete", "policy_update", "authnpolicy_create", "authnpolicy_delete", "authnpolicy_update", "authpolicy_update",
		"iplist_create", "iplist_delete", "iplist_update",
		// Directories and integrations: who is bound to them is read in full.
		"activedirectory_create", "activedirectory_delete", "gsuite_directory_create", "gsuite_directory_delete", "gsuite_directory_update",
		"idsource_create", "idsource_delete", "idsource_update", "integration_activate", "integration_deactivate", "integration_default_domain_add",
		"integration_default_domain_delete", "integration_default_domain_update", "integration_domain_add", "integration_domain_delete",
		"integrationattribute_exclude", "integrationattribute_include", "radiusserver_create", "radiusserver_delete", "radiusserver_update",
		"sambadomain_create", "sambadomain_delete", "sambadomain_update", "workday_create", "workday_delete", "workday_update",
		// The organization.
		"invoice_download", "notification_delete", "organization_create", "organization_update", "provider_update",
		// Access requests: one that is carried out is an event of its own.
		"access_management_access_request", "access_management_access_request_approval", "access_management_access_request_settings_update",
		"access_management_approval_flow_create", "access_management_approval_flow_delete", "access_management_approval_flow_update":
		return true
	default:
		return false
	}
}

// Changes are what happened in a span of time, as far as it concerns lists of holders.
type Changes struct {
	// Events is how many different ones there were.
	Events int
	// Doubt says why the events do not tell which lists they concern; empty where they do.
	Doubt   string
	touched map[string]bool // ids of the objects that own lists
	seen    map[string]bool // ids of events
}

// Touched reports whether an object's list may have changed.
func (c *Changes) Touched(id string) bool { return c.touched[id] }

// Count is how many objects have lists that may have changed.
func (c *Changes) Count() int { return len(c.touched) }

// ReadChanges asks Directory Insights what happened since a time. It stops at the first doubt.
func ReadChanges(ctx context.Context, client *jumpcloud.Client, since, now time.Time) (*Changes, error) {
	c := &Changes{touched: map[string]bool{}, seen: map[string]bool{}}
	q := jumpcloud.EventQuery{Services: []string{"directory", "access_management"}, Start: since, End: now.Add(ahead), Limit: eventsPerPage}
	var after json.RawMessage
	for range maxPages {
		page, err := client.Events(ctx, q, after)
		if err != nil {
			return nil, err
		}
		for _, err := range page.Unread {
			c.doubt("an event cannot be read (%v)", err)
		}
		for _, e := range page.Events {
			c.take(e)
		}
		if page.After == nil && len(page.Events)+len(page.Unread) >= eventsPerPage {
			c.doubt("a full page of events does not say where the next one begins")
		}
		if after = page.After; after == nil || c.Doubt != "" {
			return c, nil
		}
	}
	c.doubt("there are more events than %d pages hold", maxPages)
	return c, nil
}

// doubt keeps the first doubt.
func (c *Changes) doubt(format string, args ...any) {
	if c.Doubt == "" {
		c.Doubt = fmt.Sprintf(format, args...)
	}
}

// take notes what an event concerns. One that comes twice counts once.
func (c *Changes) take(e jumpcloud.Event) {
	if c.seen[e.ID] {
		return
	}
	c.seen[e.ID] = true
	c.Events++
	switch {
	case e.Association != nil:
		c.takeEdge(e)
	case isHarmless(e.Type):
	case isAbout(e, kindGroup, "group_", "user_group_"), isAbout(e, kindApplication, "application_"):
		if e.Resource.ID == "" {
			c.doubt("event %s (%s) does not say what it is about", e.ID, e.Type)
			return
		}
		c.touched[e.Resource.ID] = true
	default:
		c.doubt("it is not known what an event of the type %q changes", e.Type)
	}
}

// isAbout reports whether an event is about an object of a kind: it says so, or its name does.
func isAbout(e jumpcloud.Event, kind string, prefixes ...string) bool {
	return e.Resource.Type == kind || slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(e.Type, p) })
}

// takeEdge notes whose list an edge is in that came, went or changed.
func (c *Changes) takeEdge(e jumpcloud.Event) {
	from, to := e.Association.From, e.Association.To
	if from.ID == "" || to.ID == "" {
		c.doubt("event %s (%s) does not name both ends of an edge", e.ID, e.Type)
		return
	}
	for _, end := range [][2]jumpcloud.EventObject{{from, to}, {to, from}} {
		if owns(end[0].Type, end[1].Type) {
			c.touched[end[0].ID] = true
		}
	}
}

// owns reports whether an edge may be in the list of the holders of one of its ends. An end of
// a kind that has no such list has none, and the members of a group are users; all else is
// in doubt.
func owns(end, other string) bool {
	switch end {
	case jumpcloud.TypeUser, "systemuser", "admin", jumpcloud.TypeDevice, jumpcloud.TypeDeviceGroup:
		return false
	case kindGroup:
		return other != kindApplication
	default:
		return true
	}
}

package e2e_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"golang.org/x/text/unicode/norm"

	"github.com/conductorone/baton-jumpcloud/internal/restype"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// state is what a tenant holds at one moment: everything that an archive of that
// moment would hold, worked out from the tenant alone.
type state struct {
	resources map[string]bool  // "type:id"
	hidden    map[string]bool  // those of them that no list contains
	bare      map[string]bool  // those of them that nobody can be given
	slugged   map[string]bool  // those of them with several entitlements
	direct    map[holding]bool // who has what without regard to groups
	roles     map[holding]bool // which administrator has which role
}

// boundTypes are the resource types of the kinds of the graph that users and groups are
// bound to where a switch is on.
var boundTypes = map[string]string{
	jcsim.TypeGSuite: restype.Directory, jcsim.TypeOffice365: restype.Directory, jcsim.TypeLDAPServer: restype.Directory,
	jcsim.TypeActiveDirectory: restype.Directory, jcsim.TypeWorkday: restype.Directory, jcsim.TypeRADIUSServer: restype.RADIUSServer,
	jcsim.TypeDevice: restype.Device, jcsim.TypeDeviceGroup: restype.DeviceGroup,
}

// addBound adds the objects that switches have read too.
func (s state) addBound(t *jcsim.Tenant) state {
	for kind, resourceType := range boundTypes {
		for _, b := range t.BoundObjects(kind) {
			r := resourceType + ":" + b.ID
			s.resources[r] = true
			if kind == jcsim.TypeWorkday {
				s.bare[r] = true
			}
			if kind == jcsim.TypeDevice || kind == jcsim.TypeDeviceGroup {
				s.slugged[r] = true
			}
			for _, d := range b.Devices {
				s.direct[holding{r + ":member", "device:" + d}] = true
				for _, slug := range []string{":user", ":admin"} {
					s.direct[holding{"device:" + d + slug, r}] = true
				}
			}
			hold := func(principal, id string) {
				switch {
				case !s.slugged[r]:
					s.direct[holding{r, principal}] = true
				case slices.Contains(b.Sudo, id):
					s.direct[holding{r + ":admin", principal}] = true
					fallthrough
				default:
					s.direct[holding{r + ":user", principal}] = true
				}
			}
			for _, u := range b.Users {
				hold("user:"+u, u)
			}
			for _, g := range b.Groups {
				hold("group:"+g, g)
			}
		}
	}
	s.addOwnSudo(t)
	return s
}

// addOwnSudo adds the administration of devices that users have by a setting of their own.
func (s state) addOwnSudo(t *jcsim.Tenant) {
	for _, u := range t.Users() {
		if !u.Sudo {
			continue
		}
		// What the user holds, and what holds that, until nothing is new.
		reached := []string{"user:" + u.ID}
		for i := 0; i < len(reached); i++ {
			for h := range s.direct {
				of, signsIn := strings.CutSuffix(h.resource, ":user")
				if h.principal != reached[i] || slices.Contains(reached, of) || !signsIn && !strings.HasPrefix(of, "group:") {
					continue
				}
				if reached = append(reached, of); strings.HasPrefix(of, "device:") {
					s.direct[holding{of + ":admin", "user:" + u.ID}] = true
				}
			}
		}
	}
}

// addCredentials adds service accounts, and the credentials of everybody.
func (s state) addCredentials(t *jcsim.Tenant) state {
	bare := func(r string) { s.resources[r], s.bare[r] = true, true }
	for _, a := range t.ServiceAccounts() {
		r := "service_account:" + a.ID
		bare(r)
		s.roles[holding{"role:" + roleID(a.RoleName), r}] = true
		for _, c := range a.Credentials {
			bare("service_account_credential:" + c.ID)
		}
	}
	for _, a := range t.Admins() {
		if a.APIKeySet {
			bare("admin_api_key:" + a.ID)
		}
	}
	for _, u := range t.Users() {
		for _, k := range u.SSHKeys {
			bare("ssh_key:" + k.ID)
		}
	}
	return s
}

// stateOf asks a tenant. Roles are no resources of it: which of them are in an archive
// depends on whether the list of them is served.
func stateOf(t *jcsim.Tenant) state {
	s := state{map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}, map[holding]bool{}, map[holding]bool{}}
	for _, u := range t.Users() {
		s.resources["user:"+u.ID] = true
	}
	for _, u := range t.HiddenUsers() {
		s.resources["user:"+u.ID], s.hidden["user:"+u.ID] = true, true
	}
	console := "app:" + restype.AdministrationAppID
	s.resources[console] = true
	for _, a := range t.Admins() {
		s.resources["user:"+a.ID] = true
		s.direct[holding{console, "user:" + a.ID}] = true
		names, _ := t.AdminRoles(a.ID) // none where it was just deleted
		for _, name := range names {
			s.roles[holding{"role:" + roleID(name), "user:" + a.ID}] = true
		}
	}
	for _, g := range t.Groups() {
		s.resources["group:"+g.ID] = true
		members, _ := t.Members(g.ID) // none where it was just deleted
		for _, u := range members {
			s.direct[holding{"group:" + g.ID, "user:" + u}] = true
		}
	}
	for _, a := range t.Applications() {
		s.resources["app:"+a.ID] = true
		users, _ := t.AppUsers(a.ID)
		for _, u := range users {
			s.direct[holding{"app:" + a.ID, "user:" + u}] = true
		}
		groups, _ := t.AppGroups(a.ID)
		for _, g := range groups {
			s.direct[holding{"app:" + a.ID, "group:" + g}] = true
		}
	}
	return s
}

func (s state) clone() state {
	return state{maps.Clone(s.resources), s.hidden, s.bare, s.slugged, maps.Clone(s.direct), maps.Clone(s.roles)}
}

// history is what a tenant held over a time. It is safe for concurrent use.
type history struct {
	tenant *jcsim.Tenant

	mu sync.Mutex
	// always was there at every moment, ever at some.
	always, ever state
	edits        int
}

// watch begins a history with the tenant as it is.
func watch(t *jcsim.Tenant) *history {
	now := stateOf(t)
	return &history{tenant: t, always: now, ever: now.clone()}
}

// edit changes the tenant. An edit that the tenant refuses is none.
func (h *history) edit(change func(*jcsim.Tenant) error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if change(h.tenant) != nil {
		return
	}
	h.edits++
	now := stateOf(h.tenant)
	maps.Copy(h.ever.resources, now.resources)
	maps.Copy(h.ever.direct, now.direct)
	maps.Copy(h.ever.roles, now.roles)
	maps.DeleteFunc(h.always.resources, func(r string, _ bool) bool { return !now.resources[r] })
	maps.DeleteFunc(h.always.direct, func(e holding, _ bool) bool { return !now.direct[e] })
	maps.DeleteFunc(h.always.roles, func(e holding, _ bool) bool { return !now.roles[e] })
}

// judge compares an archive with the history and returns what is wrong with it.
func (h *history) judge(c *contents) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var wrong []string
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	for r := range h.always.resources {
		// A user whom no list contains is found by what he has, or not at all.
		if c.resources[r] == 0 && !h.always.hidden[r] {
			say("%s was there throughout and is missing", r)
		}
		if !strings.HasPrefix(r, "user:") && !h.always.bare[r] && c.entitlements[r]+c.entitlements[r+":user"] == 0 {
			say("%s was there throughout and has no entitlement", r)
		}
	}
	for r, n := range c.resources {
		if n != 1 {
			say("%s is there %d times", r, n)
		}
		if !h.ever.resources[r] && !strings.HasPrefix(r, "role:") {
			say("%s was never there", r)
		}
	}
	for e := range h.always.direct {
		if c.holdings[e] == 0 && h.always.resources[resourceOf(e.resource)] && h.always.resources[e.principal] {
			say("%s has %s throughout, and it is missing", e.principal, e.resource)
		}
	}
	for e := range h.always.roles {
		if c.holdings[e] != 1 {
			say("%s has %s throughout, and it is there %d times", e.principal, e.resource, c.holdings[e])
		}
	}
	for e, n := range c.holdings {
		if strings.HasPrefix(e.resource, "role:") {
			if !h.ever.roles[e] {
				say("%s never had %s", e.principal, e.resource)
			}
			continue
		}
		if n != 1 {
			say("%s has %s %d times", e.principal, e.resource, n)
		}
		if !c.inherited[e] && !h.ever.direct[e] {
			say("%s never had %s", e.principal, e.resource)
		}
	}
	return append(wrong, closure(c, h.ever.bare)...)
}

// resourceOf is the resource of an entitlement: what comes before a slug.
func resourceOf(entitlement string) string {
	parts := strings.SplitN(entitlement, ":", 3)
	return strings.Join(parts[:min(2, len(parts))], ":")
}

// roleID is the id that reviews know a role by.
func roleID(name string) string {
	name = norm.NFC.String(name)
	id := "role_" + strings.ToLower(strings.Join(strings.FieldsFunc(name, func(r rune) bool { return strings.ContainsRune(" \t-_/&+()'\"„“.,:·", r) }), "_"))
	if slices.ContainsFunc(jcsim.BuiltInRoles(), func(s string) bool { return strings.EqualFold(s, name) }) {
		return id
	}
	sum := sha256.Sum256([]byte(name))
	return id + "_" + hex.EncodeToString(sum[:4])
}

// closure checks an archive against itself: whatever it names is in it, and who has
// an application through a group is exactly who is in a group that has it.
func closure(c *contents, bare map[string]bool) []string {
	var wrong []string
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	members := map[string][]string{}
	for e := range c.holdings {
		if c.resources[resourceOf(e.resource)] == 0 || c.resources[e.principal] == 0 {
			say("a grant of %s to %s, of which one is not there", e.resource, e.principal)
		}
		if strings.HasPrefix(e.resource, "group:") || strings.HasPrefix(e.resource, "device_group:") {
			members[e.resource] = append(members[e.resource], e.principal)
		}
	}
	through := map[holding][]string{}
	for e := range c.holdings {
		if !strings.HasPrefix(e.resource, "group:") && strings.HasPrefix(e.principal, "group:") {
			for _, u := range members[e.principal] {
				h := holding{e.resource, u}
				through[h] = append(through[h], e.principal)
			}
		}
		if strings.HasPrefix(e.resource, "device:") && strings.HasPrefix(e.principal, "device_group:") {
			of := e.principal + e.resource[strings.LastIndex(e.resource, ":"):]
			for _, u := range members[of] {
				if h := (holding{e.resource, u}); strings.HasPrefix(u, "user:") {
					through[h] = append(through[h], of)
				}
			}
		}
	}
	for e, groups := range through {
		if !c.inherited[e] && c.holdings[e] > 0 {
			groups = append(groups, e.resource) // directly as well
		}
		slices.Sort(groups)
		if !slices.Equal(groups, c.sources[e]) {
			say("%s has %s through %v, and the archive says %v", e.principal, e.resource, groups, c.sources[e])
		}
	}
	for e := range c.holdings {
		if c.inherited[e] && through[e] == nil {
			say("%s has %s through nothing", e.principal, e.resource)
		}
	}
	for r := range c.resources {
		if !strings.HasPrefix(r, "user:") && !bare[r] && c.entitlements[r]+c.entitlements[r+":user"] == 0 {
			say("%s is there without its entitlement", r)
		}
	}
	for id, n := range c.entitlements {
		if n != 1 || c.resources[resourceOf(id)] == 0 {
			say("entitlement %s is there %d times, and its resource %d times", id, n, c.resources[resourceOf(id)])
		}
	}
	slices.Sort(wrong)
	return wrong
}

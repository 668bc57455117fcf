package jcsim

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud/insights"
)

// Insights are the events of a tenant: of each edit since a [Server] serves it, and the
// sign-ins of the 90 days before, which [Tenant.SignIns] makes up.
func (t *Tenant) Insights() *insights.Log { return t.events.Load() }

// recordEvents begins to note an event for each edit.
func (t *Tenant) recordEvents() { t.events.CompareAndSwap(nil, new(insights.Log)) }

// noteEvent notes what an edit shows in Directory Insights: nothing of roles. The tenant
// is locked.
func (t *Tenant) noteEvent(op, kind, owner, id string) {
	log := t.events.Load()
	if log == nil || id == "" {
		return
	}
	e := insights.Event{ID: fmt.Sprintf("%024x", t.version), Service: "directory", Time: time.Now(), Fields: map[string]any{
		"organization": t.org.ID, "client_ip": "203.0.113.9", "auth_method": "api key", "success": true,
		"initiated_by": map[string]any{"id": "64c000000000000000000001", "type": "admin", "email": "ops@example.com"},
	}}
	switch kind {
	case "user", "admin", "group", "application":
		e.Type = kind + "_" + map[string]string{"add": "create", "update": "update", "delete": "delete"}[op]
		e.Fields["resource"] = t.eventObject(kind, id)
	case "member":
		e.Type, e.Fields["association"] = "association_change", association(op, t.eventObject("group", owner), t.eventObject("user", id))
	case "application user":
		e.Type, e.Fields["association"] = "association_change", association(op, t.eventObject("application", owner), t.eventObject("user", id))
	case "application group":
		e.Type, e.Fields["association"] = "association_change", association(op, t.eventObject("application", owner), t.eventObject("group", id))
	default:
		return
	}
	log.Add(e)
}

// eventObject names an object as events do. One that is no more has its id only.
func (t *Tenant) eventObject(kind, id string) map[string]any {
	o := map[string]any{"id": id, "type": kind}
	switch kind {
	case "user":
		if n, ok := t.users.index[id]; ok {
			o["username"] = n.Username
		}
	case "admin":
		if n, ok := t.admins.index[id]; ok {
			o["email"] = n.Email
		}
	case "group":
		o["type"] = TypeUserGroup
		if n, ok := t.groups.index[id]; ok {
			o["name"] = n.Name
		}
	case "application":
		if n, ok := t.apps.index[id]; ok {
			o["name"] = n.Name
		}
	}
	return o
}

// association is the part of an event that tells of an edge.
func association(op string, from, to map[string]any) map[string]any {
	end := func(o map[string]any) map[string]any {
		e := map[string]any{"object_id": o["id"], "type": o["type"], "name": o["name"]}
		if o["username"] != nil {
			e["name"] = o["username"]
		}
		return e
	}
	return map[string]any{
		"op": op, "action_source": "manual", "attributes": nil,
		"connection": map[string]any{"from": end(from), "to": end(to)},
	}
}

// SignIns makes up the sign-ins of the 90 days before a time: four in five of the users
// who may sign in do so, to the user portal and to applications that they reach, and all
// administrators but one in five. The same seed makes the same ones.
func (t *Tenant) SignIns(seed uint64, now time.Time) {
	t.recordEvents()
	r := rand.New(rand.NewPCG(seed, 0x7369_676e)) //nolint:gosec // reproducible, not secret
	apps := make(map[string][]*Application)
	for _, a := range t.Applications() {
		users, err := t.EffectiveAppUsers(a.ID)
		if err != nil {
			continue // It was deleted meanwhile.
		}
		for _, id := range users {
			apps[id] = append(apps[id], a)
		}
	}
	var events []insights.Event
	note := func(kind, service string, fields map[string]any) {
		ago := time.Duration(r.Int64N(int64(insights.Retention - time.Hour)))
		fields["organization"], fields["client_ip"], fields["mfa"] = t.Organization().ID, "198.51.100.7", r.IntN(2) == 0
		events = append(events, insights.Event{
			ID: fmt.Sprintf("51%022x", len(events)), Type: kind, Service: service, Time: now.Add(-ago).Truncate(time.Microsecond), Fields: fields,
		})
	}
	for _, u := range t.Users() {
		if r.IntN(5) == 0 || u.State != "ACTIVATED" && u.State != "" {
			continue
		}
		who := map[string]any{"id": u.ID, "type": "user", "username": u.Username}
		for range 1 + r.IntN(3) {
			note("user_login_attempt", "directory", map[string]any{"initiated_by": who, "resource": who, "success": r.IntN(6) > 0, "auth_method": "session"})
		}
		for _, a := range apps[u.ID] {
			if r.IntN(2) == 0 {
				continue
			}
			note("sso_auth", "sso", map[string]any{
				"initiated_by": who, "sso_token_success": r.IntN(10) > 0, "idp_initiated": false, "error_message": "",
				"application": map[string]any{"id": a.ID, "name": a.Name, "display_label": a.DisplayLabel, "sso_type": "saml"},
			})
		}
	}
	for _, a := range t.Admins() {
		if r.IntN(5) > 0 {
			// As in samples: nobody is named as the one who began it.
			note("admin_login_attempt", "directory", map[string]any{"resource": map[string]any{"id": a.ID, "type": "admin", "email": a.Email}, "success": true})
		}
	}
	t.Insights().Add(events...)
}

// eventQuery reads the query of a request for events.
func (c *call) eventQuery() (insights.Query, *answer) {
	if c.cfg.RefuseInsights != 0 {
		a := c.fail(c.cfg.RefuseInsights, "Directory Insights is not in your plan")
		return insights.Query{}, &a
	}
	q, err := insights.Parse(c.body, time.Now())
	if err != nil {
		a := c.fail(http.StatusBadRequest, err.Error())
		return q, &a
	}
	q.Delay, q.Twice = c.cfg.InsightsDelay, c.cfg.RepeatEvents
	return q, nil
}

// listEvents answers POST /insights/directory/v1/events.
func listEvents(c *call) answer {
	q, refusal := c.eventQuery()
	if refusal != nil {
		return *refusal
	}
	page, err := c.t.Insights().Find(q)
	if err != nil {
		return c.fail(http.StatusBadRequest, err.Error())
	}
	sort := "ASC"
	if q.Descends {
		sort = "DESC"
	}
	a := c.encoded(page.Events)
	a.header = map[string]string{
		"X-Result-Count": strconv.Itoa(page.Count), "X-Limit": strconv.Itoa(q.Limit), "X-Sort": sort, "X-Search_after": page.After,
	}
	return a
}

// countEvents answers POST /insights/directory/v1/events/count.
func countEvents(c *call) answer {
	q, refusal := c.eventQuery()
	if refusal != nil {
		return *refusal
	}
	return c.encoded(map[string]int{"count": c.t.Insights().Count(q)})
}

// distinctEvents answers POST /insights/directory/v1/events/distinct, in either shape in
// which clients have seen it.
func distinctEvents(c *call) answer {
	q, refusal := c.eventQuery()
	if refusal != nil {
		return *refusal
	}
	buckets, err := c.t.Insights().Distinct(q)
	if err != nil {
		return c.fail(http.StatusBadRequest, err.Error())
	}
	if most := c.cfg.CutDistinct; most > 0 {
		buckets = buckets[:min(most, len(buckets))]
	}
	if !c.cfg.PlainDistinct {
		return c.encoded(map[string]any{"buckets": buckets})
	}
	keys := make([]string, 0, len(buckets))
	for _, b := range buckets {
		keys = append(keys, b.Key)
	}
	return c.encoded(map[string]any{q.Field(): keys})
}

// encoded is an answer of JSON.
func (c *call) encoded(v any) answer {
	body, err := json.Marshal(v)
	if err != nil {
		return c.fail(http.StatusInternalServerError, err.Error())
	}
	return answer{status: http.StatusOK, body: append(c.buf, body...), total: -1}
}

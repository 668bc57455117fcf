package browser_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// company is what the simulated JumpCloud holds, read by its API in the plainest
// way.
type company struct {
	users, admins map[string]person
	groups, apps  map[string]string   // names by id
	members       map[string][]string // users by group
	direct        map[string][]string // users by application
	through       map[string][]string // groups by application
	effective     map[string][]string // users by application, through groups too
}

// person is an account.
type person struct {
	name, email string
	roles       []string
	suspended   bool
}

// reader reads lists of an API, 100 rows a request, and keeps the first error.
type reader struct {
	ctx    context.Context
	client *http.Client
	base   string
	err    error
}

// rows reads one list to its end. JumpCloud may leave rows out of a page, so it goes
// on to the first page without any.
func (r *reader) rows(path string) []map[string]any {
	var all []map[string]any
	for skip := 0; r.err == nil; skip += 100 {
		sep := "?"
		if strings.Contains(path, "?") {
			sep = "&"
		}
		var page json.RawMessage
		r.call(http.MethodGet, fmt.Sprintf("%s%slimit=100&skip=%d", path, sep, skip), nil, &page)
		rows, err := decodeRows(page)
		if r.err == nil {
			r.err = err
		}
		if len(rows) == 0 {
			break
		}
		all = append(all, rows...)
	}
	return all
}

func decodeRows(page json.RawMessage) ([]map[string]any, error) {
	var rows []map[string]any
	if bytes.HasPrefix(bytes.TrimSpace(page), []byte("[")) {
		return rows, json.Unmarshal(page, &rows)
	}
	var wrapped struct {
		Results []map[string]any `json:"results"`
	}
	return wrapped.Results, json.Unmarshal(page, &wrapped)
}

func (r *reader) call(method, path string, body, answer any) {
	if r.err != nil {
		return
	}
	content, err := json.Marshal(body)
	if err != nil {
		r.err = err
		return
	}
	req, err := http.NewRequestWithContext(r.ctx, method, r.base+path, bytes.NewReader(content))
	if err != nil {
		r.err = err
		return
	}
	req.Header.Set("X-Api-Key", key)
	req.Header.Set("Content-Type", "application/json")
	res, err := r.client.Do(req)
	if err != nil {
		r.err = err
		return
	}
	defer res.Body.Close()
	if res.StatusCode >= 300 {
		r.err = fmt.Errorf("%s %s answers %s", method, path, res.Status)
		return
	}
	if answer != nil {
		r.err = json.NewDecoder(res.Body).Decode(answer)
	}
}

func text(row map[string]any, keys ...string) string {
	for _, k := range keys {
		if s, ok := row[k].(string); ok && s != "" {
			return s
		}
	}
	return ""
}

// far are the ids of one type at the far end of edges.
func far(rows []map[string]any, kind string) []string {
	var ids []string
	for _, row := range rows {
		to, ok := row["to"].(map[string]any)
		if !ok {
			to = row
		}
		if text(to, "type") == kind {
			ids = append(ids, text(to, "id"))
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// readCompany reads everything that the pages show.
func readCompany(ctx context.Context, sim string) (*company, error) {
	r := &reader{ctx: ctx, client: newVisitor(), base: sim}
	c := &company{
		users: map[string]person{}, admins: map[string]person{}, groups: map[string]string{}, apps: map[string]string{},
		members: map[string][]string{}, direct: map[string][]string{}, through: map[string][]string{}, effective: map[string][]string{},
	}
	for _, row := range r.rows("/api/systemusers?sort=_id") {
		suspended, _ := row["suspended"].(bool)
		name := text(row, "displayname")
		if name == "" {
			name = strings.TrimSpace(text(row, "firstname") + " " + text(row, "lastname"))
		}
		if name == "" {
			name = text(row, "username", "email")
		}
		c.users[text(row, "_id")] = person{name: name, email: text(row, "email"), suspended: suspended}
	}
	for _, row := range r.rows("/api/users?sort=_id") {
		p := person{email: text(row, "email")}
		if role := text(row, "roleName"); role != "" {
			p.roles = append(p.roles, role)
		}
		more, _ := row["roleNames"].([]any)
		for _, role := range more {
			if name, ok := role.(string); ok && !slices.Contains(p.roles, name) {
				p.roles = append(p.roles, name)
			}
		}
		c.admins[text(row, "_id")] = p
	}
	for _, row := range r.rows("/api/v2/usergroups?sort=id") {
		id := text(row, "id")
		c.groups[id] = text(row, "name")
		c.members[id] = far(r.rows("/api/v2/usergroups/"+id+"/members"), "user")
	}
	for _, row := range r.rows("/api/applications?sort=_id") {
		id := text(row, "_id", "id")
		c.apps[id] = text(row, "displayLabel", "displayName", "name")
		c.direct[id] = far(r.rows("/api/v2/applications/"+id+"/associations?targets=user"), "user")
		c.through[id] = far(r.rows("/api/v2/applications/"+id+"/associations?targets=user_group"), "user_group")
		c.effective[id] = far(r.rows("/api/v2/applications/"+id+"/users"), "user")
	}
	return c, r.err
}

// newcomer is who comes between two syncs.
var newcomer = map[string]any{"username": "new.comer", "email": "new.comer@example.com", "displayname": "New Comer", "state": "ACTIVATED", "activated": true}

// edit changes the organization between two syncs: somebody goes, somebody comes,
// a membership ends and another begins, an application is assigned.
func edit(ctx context.Context, sim string, c *company) error {
	group, app := largest(c.members), largest(c.effective)
	gone, left := c.members[group][0], c.members[group][1]
	var outside string
	for id := range c.users {
		if !slices.Contains(c.members[group], id) && id > outside {
			outside = id
		}
	}
	edits := []map[string]any{
		{"op": "delete-user", "ref": gone},
		{"op": "add-user", "object": newcomer},
		{"op": "remove-member", "group": group, "user": left},
		{"op": "add-member", "group": c.smallest(), "user": left},
		{"op": "associate", "app": app, "user": left},
	}
	r := &reader{ctx: ctx, client: newVisitor(), base: sim}
	r.call(http.MethodPost, "/_sim/edits", edits, nil)
	return r.err
}

// largest is the key of the longest list, the first of several by its id.
func largest(lists map[string][]string) string {
	var best string
	for id, list := range lists {
		if best == "" || len(list) > len(lists[best]) || len(list) == len(lists[best]) && id < best {
			best = id
		}
	}
	return best
}

// smallest is the group with the fewest members, the first of several by its id.
func (c *company) smallest() string {
	var best string
	for id, list := range c.members {
		if best == "" || len(list) < len(c.members[best]) || len(list) == len(c.members[best]) && id < best {
			best = id
		}
	}
	return best
}

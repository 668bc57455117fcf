package jcsim_test

import (
	"slices"
	"strings"
	"testing"

	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// TestChurn makes one change with each third request, in turn, until it is turned off.
func TestChurn(t *testing.T) {
	t.Parallel()
	tn := jcsim.Generate(1, jcsim.Medium())
	s := jcsim.New(jcsim.Options{Tenant: tn, Settings: jcsim.Settings{Churn: jcsim.Churn{Every: 3}}})
	c := newClient(t, s)
	before := len(tn.Users())
	tn.StartJournal()
	for range 60 {
		c.get("/api/v2/roles")
	}
	var added, deleted, members int
	for _, change := range tn.Journal() {
		switch change.Op + " " + change.Kind {
		case "add user":
			added++
		case "delete user":
			deleted++
		case "add member":
			members++
		}
	}
	if added != 10 || deleted != 10 || members < 10 || len(tn.Users()) != before {
		t.Errorf("%d users were added, %d deleted, %d memberships added; %d users are left of %d", added, deleted, members, len(tn.Users()), before)
	}
	all := must[[]string](t)(tn.Members("All Users"))
	if !slices.ContainsFunc(all, func(id string) bool {
		u, err := tn.User(id)
		return err == nil && strings.HasPrefix(u.Username, "churn.")
	}) {
		t.Error("nobody who was added is in the largest group")
	}
	if err := s.Update(func(set *jcsim.Settings) { set.Churn.Every = 0 }); err != nil {
		t.Fatal(err)
	}
	version := tn.Version()
	for range 10 {
		c.get("/api/v2/roles")
	}
	if tn.Version() != version {
		t.Error("the tenant changes although it was turned off")
	}
}

// TestEachChange makes changes of one kind until the tenant has nothing left to change.
func TestEachChange(t *testing.T) {
	t.Parallel()
	for _, change := range jcsim.ChurnChanges() {
		t.Run(change, func(t *testing.T) {
			t.Parallel()
			for _, size := range []jcsim.Size{jcsim.Small(), {Users: 1, Groups: 1, Apps: 1, Admins: 1}} {
				tn := jcsim.Generate(2, size)
				s := jcsim.New(jcsim.Options{Tenant: tn, Settings: jcsim.Settings{Churn: jcsim.Churn{Every: 1, Changes: []string{change}}}})
				c := newClient(t, s)
				tn.StartJournal()
				for range 40 {
					c.get("/api/v2/roles")
				}
				op, _, _ := strings.Cut(change, "-")
				want := map[string]string{"associate": "add", "dissociate": "remove", "bind": "add", "unbind": "remove"}[change]
				if want == "" {
					want = op
				}
				if !slices.ContainsFunc(tn.Journal(), func(c jcsim.Change) bool { return c.Op == want }) && size.Users > 1 {
					t.Errorf("nothing was changed: %v", tn.Journal())
				}
				if problems := s.Requests().Problems; len(problems) > 0 {
					t.Errorf("problems: %v", problems)
				}
			}
		})
	}
}

// TestHiddenRows counts rows and does not show them, the same ones each time.
func TestHiddenRows(t *testing.T) {
	t.Parallel()
	c, tn := behaving(t, jcsim.Behavior{HideRows: map[string]int{
		membersRoute: 100, "GET /api/v2/usergroups/{id}/membership": 40, groupsRoute: 40, "GET /api/systemusers": 100,
	}})
	group := groupID(t, tn, "All Users")
	members := len(must[[]string](t)(tn.Members(group)))
	for path, want := range map[string]struct{ total, least, most int }{
		"/api/v2/usergroups/" + group + "/members":    {members, 0, 0},
		"/api/v2/usergroups/" + group + "/membership": {members, 30, 90},
		"/api/v2/usergroups":                          {150, 30, 90},
		"/api/systemusers":                            {2000, 0, 0},
		"/api/applications":                           {80, 80, 80},
	} {
		p := c.list(path + "?limit=100")
		if p.TotalCount < want.total || len(p.Results) < want.least || len(p.Results) > want.most {
			t.Errorf("%s: %d of %d rows", path, len(p.Results), p.TotalCount)
		}
		if again := c.list(path + "?limit=100"); !slices.Equal(ids(again.Results), ids(p.Results)) {
			t.Errorf("%s shows other rows the second time", path)
		}
	}
}

// TestUnwiseChurn refuses what cannot work.
func TestUnwiseChurn(t *testing.T) {
	t.Parallel()
	for settings, want := range map[string]string{
		`{"churn":{"every":-1}}`:                     "every must not be negative",
		`{"churn":{"every":3,"changes":["vanish"]}}`: `unknown change "vanish"; there are add-admin`,
		`{"churn":{"each":3}}`:                       "unknown field",
		`{"hideRows":{"*":101}}`:                     "not between 0 and 100",
	} {
		if _, err := jcsim.LoadSettings(strings.NewReader(settings)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", settings, err, want)
		}
	}
}

package jumpcloud_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
)

// TestRolesOfAdministrators reads roles in every form in which a record may name
// them. What names one is never left out.
func TestRolesOfAdministrators(t *testing.T) {
	t.Parallel()
	type refs = []jumpcloud.RoleRef
	for name, tt := range map[string]struct {
		fields string
		want   refs
		fails  bool
	}{
		"nothing":                                {``, nil, false},
		"roleName":                               {`"roleName":"Manager"`, refs{{Name: "Manager"}}, false},
		"roleNames":                              {`"roleNames":["Manager","Help Desk"]`, refs{{Name: "Manager"}, {Name: "Help Desk"}}, false},
		"role":                                   {`"role":"6e000001"`, refs{{ID: "6e000001"}}, false},
		"roles":                                  {`"roles":["6e000001","6e000002"]`, refs{{ID: "6e000001"}, {ID: "6e000002"}}, false},
		"one text for a list":                    {`"roleNames":"Manager","roles":"6e000002"`, refs{{ID: "6e000002", Name: "Manager", Named: true}}, false},
		"a list for one text":                    {`"roleName":["Manager","Help Desk"],"role":["6e000001"]`, refs{{Name: "Manager"}, {Name: "Help Desk"}, {ID: "6e000001"}}, false},
		"an object":                              {`"role":{"id":"6e000001","name":"Manager"}`, refs{{ID: "6e000001", Name: "Manager"}}, false},
		"an object with _id":                     {`"role":{"_id":"6e000001","Name":"Manager","scopes":["users"]}`, refs{{ID: "6e000001", Name: "Manager"}}, false},
		"an object for a name":                   {`"roleName":{"name":"Manager"}`, refs{{Name: "Manager"}}, false},
		"an id alone in one":                     {`"roles":[{"objectId":"6e000001"},{"id":7}]`, refs{{ID: "6e000001"}, {ID: "7"}}, false},
		"objects":                                {`"roles":[{"id":"6e000001","name":"Manager"},{"id":"6e000002","roleName":"Help Desk"}]`, refs{{ID: "6e000001", Name: "Manager"}, {ID: "6e000002", Name: "Help Desk"}}, false},
		"a mixture":                              {`"roles":["6e000001",{"id":"6e000002","name":"Help Desk"},7,null,["6e000003",[]],{}]`, refs{{ID: "6e000001"}, {ID: "6e000002", Name: "Help Desk"}, {ID: "7"}, {ID: "6e000003"}}, false},
		"nested":                                 {`"roles":{"items":[{"role":{"id":"6e000001","name":"Manager"}}],"total":1}`, refs{{ID: "6e000001", Name: "Manager"}}, false},
		"names under role":                       {`"roles":[{"role":"Manager"}]`, refs{{Name: "Manager"}}, false},
		"a number":                               {`"role":7,"roleNames":[8]`, refs{{ID: "7"}, {Name: "8"}}, false},
		"a large number":                         {`"role":12345678901234567890`, refs{{ID: "12345678901234567890"}}, false},
		"nulls":                                  {`"role":null,"roleName":null,"roles":null,"roleNames":null`, nil, false},
		"empty ones":                             {`"role":"","roleName":" ","roles":[],"roleNames":[""," ",null,{}]`, nil, false},
		"false":                                  {`"role":false,"roles":[false]`, nil, false},
		"the same in all":                        {`"roleName":"Manager","role":"6e000001","roleNames":["Manager"],"roles":["6e000001"]`, refs{{ID: "6e000001", Name: "Manager", Named: true}, {ID: "6e000001", Name: "Manager", Named: true}}, false},
		"several in all":                         {`"roleNames":["Manager","Help Desk"],"roles":["6e000001","6e000002"]`, refs{{Name: "Manager"}, {Name: "Help Desk"}, {ID: "6e000001", Named: true}, {ID: "6e000002", Named: true}}, false},
		"more names than ids":                    {`"roleNames":["Manager","Help Desk"],"roles":["6e000001"]`, refs{{Name: "Manager"}, {Name: "Help Desk"}, {ID: "6e000001"}}, false},
		"an id without a name, and another name": {`"role":"6e000001","roleNames":["Manager"],"roles":["6e000001"]`, refs{{ID: "6e000001"}, {Name: "Manager"}, {ID: "6e000001"}}, false},
		"names for ids":                          {`"roleName":"6e000001","role":"Manager"`, refs{{Name: "6e000001"}, {ID: "Manager"}}, false},
		"another case of a key":                  {`"RoleName":"Manager"`, refs{{Name: "Manager"}}, false},
		"roles beside a name":                    {`"role":{"id":"6e000001","name":"Manager","roles":["Help Desk",{"id":"6e000003"}]}`, refs{{ID: "6e000001", Name: "Manager"}, {ID: "Help Desk"}, {ID: "6e000003"}}, false},
		"names beside an id":                     {`"role":{"id":"6e000001","name":["Manager","Help Desk"]}`, refs{{ID: "6e000001"}, {ID: "Manager"}, {ID: "Help Desk"}}, false},
		"a link with an id of its own":           {`"roles":[{"id":"64d1","name":"nights","roleId":"6e000001","roleName":"Manager"}]`, refs{{ID: "6e000001", Name: "Manager"}}, false},
		"what is told twice":                     {`"role":{"id":"6e000001","roleName":"Manager","role_name":"Help Desk","roleId":"6e000001"}`, refs{{ID: "Help Desk"}, {ID: "6e000001", Name: "Manager"}}, false},
		"who made it":                            {`"role":{"id":"6e000001","name":"Manager","createdBy":{"id":"64c9","name":"Bo"}}`, refs{{ID: "6e000001", Name: "Manager"}}, false},
		"objects of nothing":                     {`"roleName":"Manager","role":{"id":null,"name":""},"roles":[{"id":" ","scopes":[]}]`, refs{{Name: "Manager"}}, false},
		"a list in a text":                       {`"roleNames":"[\"Manager\",\"Help Desk\"]","role":"{\"id\":\"6e000001\"}"`, refs{{ID: "6e000001"}, {Name: "Manager"}, {Name: "Help Desk"}}, false},
		"a text that only looks like a list":     {`"roleNames":["[old] Manager"]`, refs{{Name: "[old] Manager"}}, false},
		"other spellings":                        {`"role_names":["Manager"],"roleIds":["6e000001","6e000002"],"Role-ID":7,"role_name":""`, refs{{Name: "Manager"}, {ID: "7"}, {ID: "6e000001"}, {ID: "6e000002"}}, false},
		"a flag among unknown fields":            {`"hasCustomRole":true,"role_ids":[true]`, nil, true},
		"true":                                   {`"role":true`, nil, true},
		"true in a list":                         {`"roles":["6e000001",true]`, nil, true},
		"an object of no role":                   {`"role":{"scopes":["users"],"since":"2026-01-01"}`, nil, true},
		"lists of another kind":                  {`"role":{"meta":{"level":3},"scopes":["users"],"roles":["6e000001"],"of":[{"name":"Help Desk"}]}`, refs{{Name: "Help Desk"}, {ID: "6e000001"}}, false},
		"an object of nothing":                   {`"role":{"level":3}`, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := `{"_id":"64c1","email":"ops@example.com"}`
			if tt.fields != "" {
				body = strings.TrimSuffix(body, "}") + "," + tt.fields + "}"
			}
			got, err := only(t, body).Admin(t.Context(), "64c1")
			if tt.fails {
				if err == nil || !strings.Contains(err.Error(), "64c1") || !strings.Contains(err.Error(), "role") {
					t.Errorf("read as %+v, %v", got, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got.Roles); diff != "" {
				t.Errorf("roles (-want +got):\n%s", diff)
			}
		})
	}
}

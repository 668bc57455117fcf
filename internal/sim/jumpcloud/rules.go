package jcsim

import (
	"fmt"
	"slices"
	"strings"
)

// check refuses a condition that cannot be evaluated.
func (c Condition) check() error {
	if _, ok := ruleField(&User{}, c.Field); !ok {
		return fmt.Errorf("no rule can test field %q; use company, costCenter, department, description, employeeType, jobTitle, location, email, username or userState", c.Field)
	}
	switch c.Operator {
	case "eq", "ne", "in", "search":
		return nil
	default:
		return fmt.Errorf("operator %q of field %s is not eq, ne, in or search", c.Operator, c.Field)
	}
}

// ruleField reads the field of a user that a rule names.
func ruleField(u *User, field string) (string, bool) {
	switch field {
	case "company":
		return u.Company, true
	case "costCenter":
		return u.CostCenter, true
	case "department":
		return u.Department, true
	case "description":
		return u.Description, true
	case "employeeType":
		return u.EmployeeType, true
	case "jobTitle":
		return u.JobTitle, true
	case "location":
		return u.Location, true
	case "email":
		return u.Email, true
	case "username":
		return u.Username, true
	case "userState":
		return u.State, true
	default:
		return "", false
	}
}

// matches reports whether a user meets all conditions of a rule. A group
// without a rule has no opinion.
func (g *Group) matches(u *User) bool {
	for _, c := range g.Rule {
		value, _ := ruleField(u, c.Field)
		if c.Field == "userState" {
			value = strings.ToLower(value)
		}
		var ok bool
		switch c.Operator {
		case "eq":
			ok = value == c.Value
		case "ne":
			ok = value != c.Value
		case "in":
			ok = slices.Contains(strings.Split(c.Value, "|"), value)
		default:
			ok = strings.Contains(strings.ToLower(value), strings.ToLower(c.Value))
		}
		if !ok {
			return false
		}
	}
	return true
}

// ruled reports whether the tenant decides who is in the group.
func (n *groupNode) ruled() bool { return n.dynamic() && len(n.Rule) > 0 }

// automate takes a group that was made or changed into or out of the list of
// those that a rule decides, and gives it the members of its rule. While objects
// are added in bulk the rules wait for [Tenant.finish].
func (t *Tenant) automate(n *groupNode) {
	t.automated = without(t.automated, n)
	if !n.ruled() {
		return
	}
	t.automated = append(t.automated, n)
	if !t.bulk {
		t.enforce(n)
	}
}

// enforce makes the members of a group those of its rule.
func (t *Tenant) enforce(n *groupNode) {
	for _, u := range slices.Clone(n.members) {
		t.assess(n, u)
	}
	for _, u := range t.users.natural {
		t.assess(n, u)
	}
}

// reassess applies all rules to one user.
func (t *Tenant) reassess(u *userNode) {
	for _, g := range t.automated {
		t.assess(g, u)
	}
}

// assess applies one rule to one user. Hidden users are left to explicit edits.
func (t *Tenant) assess(g *groupNode, u *userNode) {
	if u.fate != alive || u.Hidden || slices.Contains(g.Exemptions, u.id) {
		return
	}
	is, should := slices.Contains(u.groups, g), g.matches(u.User)
	switch {
	case should && !is:
		_ = t.addMember(g, u) // cannot be there already
	case !should && is:
		_ = t.removeMember(g, u) // is there
	}
}

// finish ends a bulk build: lists are put in order and rules applied to
// everybody. settled says that the rules hold already.
func (t *Tenant) finish(settled bool) {
	t.users.finish()
	t.admins.finish()
	t.roles.finish()
	t.groups.finish()
	t.apps.finish()
	t.services.finish()
	for _, col := range t.bound {
		col.finish()
	}
	t.bulk = false
	if settled {
		return
	}
	for _, g := range t.automated {
		t.enforce(g)
	}
}

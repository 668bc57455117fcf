package reviewtest

import (
	"google.golang.org/protobuf/types/known/anypb"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// Company is a small organization: Ada is an administrator in Staff, which has Mail;
// Bo is suspended, in Staff, and has Mail himself too; Chloé has nothing.
func Company(t T) *Builder {
	t.Helper()
	b := New(t)
	department := func(name string) func(*v2.Resource, *v2.UserTrait) {
		return func(r *v2.Resource, _ *v2.UserTrait) {
			r.Profile = Profile(t, map[string]any{"department": name, "manager": "boss@example.com"})
		}
	}
	mfa := func(on bool) func(*v2.Resource, *v2.UserTrait) {
		return func(_ *v2.Resource, u *v2.UserTrait) { u.MfaStatus = &v2.UserTrait_MFAStatus{MfaEnabled: on} }
	}
	ada := b.User("u1", "Ada", department("Research"), mfa(false))
	bo := b.User("u2", "Bo", department("Sales"), mfa(true), func(r *v2.Resource, _ *v2.UserTrait) {
		r.Status = &v2.Status{Status: v2.Status_RESOURCE_STATUS_DISABLED, Details: "suspended"}
	})
	b.User("u3", "Chloé", department("research"))
	staff, empty := b.Resource("group", "g1", "Staff"), b.Resource("group", "g2", "Empty")
	mail := b.Resource("app", "a1", "Mail")
	admin := b.Resource("role", "r1", "Administrator")
	ofStaff, ofMail, ofAdmin := b.Entitlement(staff, "member"), b.Entitlement(mail, "access"), b.Entitlement(admin, "member")
	b.Entitlement(empty, "member")
	b.Grant(ofStaff, ada)
	b.Grant(ofStaff, bo)
	b.Grant(ofMail, staff).Annotations = []*anypb.Any{Annotation(t, &v2.GrantExpandable{EntitlementIds: []string{ofStaff.GetId()}})}
	b.Grant(ofMail, ada, ofStaff.GetId()).Annotations = []*anypb.Any{Annotation(t, &v2.GrantImmutable{})}
	b.Grant(ofMail, bo, ofStaff.GetId(), ofMail.GetId())
	b.Grant(ofAdmin, ada)
	return b
}

// Later is the company some time after [Company]: Chloé is gone, and Eve came; Ada changed;
// Mail was given to Eve and taken from the group, and Bo has it through the group only.
func Later(t T) *Builder {
	t.Helper()
	b := Company(t)
	b.Resources = append(b.Resources[:2], b.Resources[3:]...)
	eve := b.User("u5", "Eve")
	b.Resources[0].Profile = Profile(t, map[string]any{"department": "Sales", "manager": "boss@example.com"})
	b.Entitlements[1].DisplayName = "Mail usage"
	mail := b.Entitlements[1]
	kept := b.Grants[:0]
	for _, g := range b.Grants {
		if g.GetEntitlement().GetId() == mail.GetId() && g.GetPrincipal().GetId().GetResource() == "g1" {
			continue
		}
		if g.GetId() == mail.GetId()+":user:u2" {
			delete(g.GetSources().GetSources(), mail.GetId())
		}
		kept = append(kept, g)
	}
	b.Grants = kept
	b.Grant(mail, eve)
	return b
}

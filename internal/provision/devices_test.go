package provision_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/provision"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// A group whose own attributes make its members administrators has sudo wherever it is bound:
// no change of a binding takes that away.
func TestSudoOfAGroupIsNoneOfItsBindings(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, jcsim.Settings{}, jcsim.Rights{})
		wheel, admin := b.principal(t, "group", "Wheel"), b.entitlement(t, "device", "server:admin")
		_, err := b.revoke(t.Context(), wheel, admin)
		if status.Code(err) != codes.FailedPrecondition || !strings.Contains(err.Error(), `group "Wheel"`) {
			t.Errorf("sudo of the group itself: %v", err)
		}
		if b.writes() != 0 {
			t.Errorf("%d writes for what cannot be", b.writes())
		}
	})
}

// What a user has by a setting of their own does not end with a binding's sudo.
func TestOwnSudoIsNoneOfABinding(t *testing.T) {
	t.Parallel()
	b := newBench(t, jcsim.Settings{}, jcsim.Rights{})
	bo, admin := b.principal(t, "user", "bo"), b.entitlement(t, "device", "server:admin")
	if err := b.tenant.UpdateUser(b.id(t, "user", "bo"), func(u *jcsim.User) { u.Sudo = true }); err != nil {
		t.Fatal(err)
	}
	_, err := b.revoke(t.Context(), bo, admin)
	if status.Code(err) != codes.FailedPrecondition || !strings.Contains(err.Error(), `turn "sudo" off`) {
		t.Errorf("the user's own sudo: %v", err)
	}
	if b.writes() != 0 {
		t.Errorf("%d writes for what cannot be", b.writes())
	}
}

// Ending a binding ends sudo too, and the plan says so before.
func TestPlanOfABindingTellsOfSudo(t *testing.T) {
	t.Parallel()
	b := newBench(t, jcsim.Settings{}, jcsim.Rights{})
	for _, tt := range []struct {
		who   string
		tells bool
	}{{"bo", true}, {"ana", false}} {
		plan, err := b.provisioner.PlanEdge(t.Context(), provision.OperationRevoke,
			provision.Named{Type: "device", ID: b.id(t, "device", "server")}, provision.Named{Type: "user", ID: b.id(t, "user", tt.who)})
		if err == nil {
			err = b.provisioner.Inspect(t.Context(), plan)
		}
		if err != nil || strings.Contains(plan.Effect(), "administration (sudo)") != tt.tells {
			t.Errorf("%s: %v, %v", tt.who, plan.Effect(), err)
		}
	}
}

// A group that makes administrators is named when the user's own sudo ends, and one that only
// lets sign in is not.
func TestSudoRemainsViaGroups(t *testing.T) {
	t.Parallel()
	b := newBench(t, jcsim.Settings{}, jcsim.Rights{})
	for _, group := range []string{"Wheel", "Ops"} {
		if err := b.tenant.AddMember(b.id(t, "group", group), "bo"); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.tenant.Bind("server", jcsim.TypeUserGroup, b.id(t, "group", "Ops")); err != nil {
		t.Fatal(err)
	}
	bo, admin := b.principal(t, "user", "bo"), b.entitlement(t, "device", "server:admin")
	for range 2 {
		notes, err := b.revoke(t.Context(), bo, admin)
		metadata := new(v2.GrantMetadata)
		for _, a := range notes {
			if a.MessageIs(metadata) {
				err = errors.Join(err, a.UnmarshalTo(metadata))
			}
		}
		if text := metadata.String(); err != nil || !strings.Contains(text, "Wheel") || strings.Contains(text, "Ops") {
			t.Errorf("sudo remains via %s, %v", text, err)
		}
	}
}

// A binding that reads still show after it ended is made again.
func TestSudoWhereReadsLag(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, jcsim.Settings{Behavior: jcsim.Behavior{LagReads: 4, LagTime: 2 * time.Second}}, jcsim.Rights{})
		ana, admin := b.principal(t, "user", "ana"), b.entitlement(t, "device", "server:admin")
		client := newClient(t, b.server)
		if err := client.Unbind(t.Context(), jumpcloud.TypeDevice, admin.GetResource().GetId().GetResource(), jumpcloud.TypeUser, ana.GetId().GetResource()); err != nil {
			t.Fatal(err)
		}
		if _, err := b.grant(t.Context(), ana, admin); err != nil || !b.holds(t, ana, admin) {
			t.Errorf("administrator %v, %v", b.holds(t, ana, admin), err)
		}
	})
}

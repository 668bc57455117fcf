package main

import (
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/anypb"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// Archives that this program does not write: a resource of another connector's
// archive in it, no organization, and an end of some days ago.
func TestChangeByForeignArchive(t *testing.T) {
	t.Parallel()
	tenant := jcsim.NewTenant(jcsim.Organization{Name: "Borealis"})
	user := must(tenant.AddUser(jcsim.User{Username: "ana", Email: "ana@example.com"}))
	group := must(tenant.AddGroup(jcsim.Group{Name: "Sales"}))
	sim := jcsim.New(jcsim.Options{Tenant: tenant})
	url := serve(t, sim)
	path := filepath.Join(t.TempDir(), "foreign.c1z")
	writeForeign(t, path, user, group)

	grant := func(entitlement string) (string, int) {
		cmd := program(t.Context(), t, "--file", path, "--grant-entitlement", entitlement, "--grant-principal", user, "--grant-principal-type", "user")
		cmd.Env = append(cmd.Env, "BATON_BASE_URL="+url, "BATON_API_KEY="+jcsim.DefaultKey)
		_, err := cmd.Output()
		if err == nil {
			return "", 0
		}
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			t.Fatal(err)
		}
		return string(exit.Stderr), exit.ExitCode()
	}
	for _, tt := range []struct {
		entitlement, says string
		code              int
	}{
		{"group:external", "\ngrant failed: cannot grant entitlement on external resource\n", 3},
		{"group:unknown", "synced 3 days ago (", 5},
		{"group:lost", `group "lost" is not in archive`, 5},
		{"group:" + group, "", 0},
	} {
		stderr, code := grant(tt.entitlement)
		if code != tt.code || !strings.Contains(stderr, tt.says) {
			t.Errorf("%s: exit code %d, want %d with %q:\n%s", tt.entitlement, code, tt.code, tt.says, stderr)
		}
		members := must(tenant.Members("Sales"))
		if held := len(members) == 1; held != (tt.code == 0) {
			t.Errorf("%s: members %v", tt.entitlement, members)
		}
	}
}

// writeForeign writes an archive with a user and three groups: one that can be
// granted, one of another connector, and one that only its entitlement knows.
func writeForeign(t *testing.T, path, user, group string) {
	t.Helper()
	at := time.Now().Add(-73 * time.Hour)
	w := must(c1z.Create(t.Context(), c1z.Options{Path: path, WorkDir: t.TempDir(), StartedAt: at}))
	resource := func(kind, id string) *v2.Resource {
		return &v2.Resource{Id: &v2.ResourceId{ResourceType: kind, Resource: id}, DisplayName: id}
	}
	external := resource("group", "external")
	external.Annotations = []*anypb.Any{must(anypb.New(&v2.BatonID{}))}
	err := w.PutResourceTypes(t.Context(), &v2.ResourceType{Id: "group"}, &v2.ResourceType{Id: "user"})
	if err == nil {
		err = w.PutResources(t.Context(), external, resource("group", group), resource("user", user))
	}
	for _, id := range []string{group, "external", "lost"} {
		if err == nil {
			err = w.PutEntitlements(t.Context(), &v2.Entitlement{Id: "group:" + id, Resource: resource("group", id)})
		}
	}
	if err == nil {
		_, err = w.Finish(t.Context(), c1z.SyncRun{StartedAt: at, EndedAt: at.Add(time.Minute)})
	}
	if err != nil {
		t.Fatal(err)
	}
}

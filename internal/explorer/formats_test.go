package explorer_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	"github.com/conductorone/baton-jumpcloud/internal/explorer"
	"github.com/conductorone/baton-jumpcloud/internal/explorer/library"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// archive writes a tenant into an archive of a format.
func (n *tenant) archive(format c1z.Format) string {
	n.t.Helper()
	ctx := context.WithoutCancel(n.t.Context())
	path := filepath.Join(n.t.TempDir(), "sync.c1z")
	w, err := c1z.Create(ctx, c1z.Options{
		Path: path, WorkDir: n.t.TempDir(), Format: format, SyncID: "3Mo5JycbywS7cChTrhP00tC1mLv", StartedAt: begin,
	})
	if err != nil {
		n.t.Fatal(err)
	}
	named := func(typ, id []byte) *v2.Resource {
		for _, r := range n.resources {
			if r.GetId().GetResourceType() == string(typ) && r.GetId().GetResource() == string(id) {
				return &v2.Resource{Id: r.GetId(), DisplayName: r.GetDisplayName()}
			}
		}
		return &v2.Resource{Id: &v2.ResourceId{ResourceType: string(typ), Resource: string(id)}}
	}
	var grants []*v2.Grant
	for _, e := range n.grants {
		g := &v2.Grant{
			Id: string(e.ID), Principal: named(e.PrincipalType, e.Principal),
			Entitlement: &v2.Entitlement{Id: string(e.Entitlement), Resource: named(e.ResourceType, e.Resource)},
		}
		for _, s := range e.Sources {
			if g.Sources == nil {
				g.Sources = &v2.GrantSources{Sources: map[string]*v2.GrantSources_GrantSource{}}
			}
			g.Sources.Sources[string(s)] = &v2.GrantSources_GrantSource{}
		}
		grants = append(grants, g)
	}
	for _, err := range []error{
		w.PutResourceTypes(ctx, n.types...), w.PutResources(ctx, n.resources...), w.PutEntitlements(ctx, n.entitlements...), w.PutGrants(ctx, grants...),
	} {
		if err != nil {
			n.t.Fatal(err)
		}
	}
	if _, err := w.Finish(ctx, c1z.SyncRun{EndedAt: begin.Add(time.Minute)}); err != nil {
		n.t.Fatal(err)
	}
	return path
}

// TestBothFormatsShowTheSame opens an archive of each format and compares every page.
func TestBothFormatsShowTheSame(t *testing.T) {
	t.Parallel()
	pages := map[c1z.Format]map[string]string{}
	for _, format := range []c1z.Format{c1z.FormatV1, c1z.FormatV3} {
		path := small(t).archive(format)
		l, err := library.Open(t.Context(), []string{path}, c1z.OpenOptions{TempDir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		})
		if _, err := l.Sync(t.Context(), l.First()); err != nil {
			t.Fatal(err)
		}
		e, err := explorer.New(explorer.Config{Library: l, TempDir: t.TempDir(), Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		pages[format] = map[string]string{}
		for _, address := range []string{
			"/", "/accounts", "/groups", "/applications", "/roles", "/resources", "/entitlements", "/grants", "/reports", "/reports/disabled-with-access",
			"/resource?type=user&id=ada", "/resource?type=app&id=git&tab=members", "/resource?type=user&id=bo&tab=graph", "/entitlement?id=app:git",
		} {
			text := read(t, get(t, e, address))
			pages[format][address] = strings.ReplaceAll(text, path, "sync.c1z")
		}
	}
	for address, want := range pages[c1z.FormatV1] {
		if got := pages[c1z.FormatV3][address]; got != want {
			t.Errorf("%s differs between the formats (-1 +3):\n%s", address, cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")))
		}
	}
	if grants := pages[c1z.FormatV3]["/grants"]; !strings.Contains(grants, "Ada Lovelace") || !strings.Contains(grants, "Payroll") {
		t.Errorf("the grants are\n%s", grants)
	}
}

package review

import (
	"errors"
	"strconv"
	"testing"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// TestLoadIsBounded loads more than a limit allows, of each kind of row.
func TestLoadIsBounded(t *testing.T) {
	t.Parallel()
	const rows = 100_000
	dir := t.TempDir()
	for name, put := range map[string]func(*c1z.Writer, int) error{
		"resource types": func(w *c1z.Writer, i int) error {
			return w.PutResourceTypes(t.Context(), &v2.ResourceType{Id: strconv.Itoa(i)})
		},
		"resources": func(w *c1z.Writer, i int) error {
			return w.PutResources(t.Context(), &v2.Resource{Id: &v2.ResourceId{ResourceType: "user", Resource: strconv.Itoa(i)}})
		},
		"entitlements": func(w *c1z.Writer, i int) error {
			return w.PutEntitlements(t.Context(), &v2.Entitlement{Id: strconv.Itoa(i), Resource: &v2.Resource{Id: &v2.ResourceId{ResourceType: "app", Resource: "a"}}})
		},
		"grants": func(w *c1z.Writer, i int) error {
			return w.PutGrants(t.Context(), &v2.Grant{
				Id:          strconv.Itoa(i),
				Entitlement: &v2.Entitlement{Id: "e", Resource: &v2.Resource{Id: &v2.ResourceId{ResourceType: "app", Resource: "a"}}},
				Principal:   &v2.Resource{Id: &v2.ResourceId{ResourceType: "user", Resource: "u"}},
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := dir + "/" + name + ".c1z"
			w, err := c1z.Create(t.Context(), c1z.Options{Path: path, WorkDir: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			for i := range rows {
				if err := put(w, i); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := w.Finish(t.Context(), c1z.SyncRun{}); err != nil {
				t.Fatal(err)
			}
			r, err := c1z.Open(t.Context(), path, c1z.OpenOptions{})
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			if _, err := load(t.Context(), r, "", nil, 2<<20); !errors.Is(err, c1z.ErrTooLarge) {
				t.Errorf("with 2 MiB: %v", err)
			}
			if s, err := load(t.Context(), r, "", nil, maxHeld); err != nil || s == nil {
				t.Errorf("with the usual limit: %v", err)
			}
		})
	}
}

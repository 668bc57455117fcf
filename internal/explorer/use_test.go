package explorer_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// TestLastUse shows on the pages of a person and of an application when access was used, and
// sorts by it, where the archive tells of it.
func TestLastUse(t *testing.T) {
	t.Parallel()
	const column, header = "2026-11-01", `">Last used <span class="arrow"`
	silent := explore(t, shelve(small(t)))
	n := small(t)
	for _, g := range n.grants {
		key := map[string]string{"app:git:user:ada": "not_used_since", "app:git:user:bo": "last_used"}[string(g.ID)]
		if key == "" {
			continue
		}
		metadata, err := structOf(map[string]any{key: "2026-11-01T08:09:10Z"})
		if err != nil {
			t.Fatal(err)
		}
		if g.Metadata, err = proto.Marshal(&v2.GrantMetadata{Metadata: metadata}); err != nil {
			t.Fatal(err)
		}
	}
	e := explore(t, shelve(n))
	for _, address := range []string{"/resource?type=user&id=bo", "/resource?type=app&id=git"} {
		if text := page(t, e, address); !strings.Contains(text, header) || !strings.Contains(text, column) || !strings.Contains(text, "Not used since") {
			t.Errorf("%s does not show the use", address)
		}
		if text := page(t, silent, address); strings.Contains(text, header) {
			t.Errorf("%s shows a use that nobody knows", address)
		}
	}
	if d := cmp.Diff([]string{"Bo Ångström", "Ada Lovelace", "Engineers"}, names(page(t, e, "/resource?type=app&id=git&sort=-last_used"))); d != "" {
		t.Errorf("by last use: %s", d)
	}
	if text := page(t, e, "/resource?type=group&id=eng"); strings.Contains(text, header) {
		t.Error("the page of a group shows the use of applications")
	}
}

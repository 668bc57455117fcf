package jumpcloud_test

import (
	"bytes"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
)

var update = flag.Bool("update", false, "rewrite docs/API.md")

const apiDocHead = `# JumpCloud API in use

<!-- Generated from the table of routes in internal/jumpcloud. Do not edit; run: make gen -->

Every request that the connector makes, why, and the permission that it needs. The
permission is a scope of the role that the administrator of the API key, or the
service account, holds; the scope without ` + "`.readonly`" + ` includes it. A sync needs the
reads only.

Where a permission is missing, the sync fails and names it: a list that is left out
reads as access that was revoked. Leave a resource type out on purpose with
` + "`--sync-resource-types`" + `, administrators with ` + "`--skip-admins`" + `.

Paths are those under the console's address, such as ` + "`https://console.jumpcloud.com`" + `.
A service account also asks its region's OAuth host for an access token
(` + "`POST /oauth2/token`, scope `api`" + `), about once an hour.
`

// writeRoutes writes one table of routes.
func writeRoutes(b *bytes.Buffer, title string, routes []jumpcloud.Route) {
	fmt.Fprintf(b, "\n## %s\n\n| request | permission | what for |\n|---|---|---|\n", title)
	for _, r := range routes {
		fmt.Fprintf(b, "| `%s %s` | `%s` | %s", r.Method, r.Pattern, r.Permission, r.Purpose)
		if r.Note != "" {
			fmt.Fprintf(b, " %s", r.Note)
		}
		b.WriteString(" |\n")
	}
}

// TestAPIDocIsCurrent compares docs/API.md with the table of routes, or writes it.
func TestAPIDocIsCurrent(t *testing.T) {
	t.Parallel()
	var reads, writes []jumpcloud.Route
	for _, r := range jumpcloud.Routes() {
		if r.Method == http.MethodGet || r.Pattern == "/api/search/systemusers" {
			reads = append(reads, r)
		} else {
			writes = append(writes, r)
		}
	}
	var want bytes.Buffer
	want.WriteString(apiDocHead)
	writeRoutes(&want, "Reads", reads)
	writeRoutes(&want, "Changes", writes)

	path := filepath.Join("..", "..", "docs", "API.md")
	if *update {
		if err := os.WriteFile(path, want.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.String(), string(got)); diff != "" {
		t.Errorf("docs/API.md is not current; run: make gen (-want +got):\n%s", diff)
	}
}

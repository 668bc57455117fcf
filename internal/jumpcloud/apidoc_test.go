package jumpcloud_test

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
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

// writeOptionals writes what may be refused, and which answers are a refusal.
func writeOptionals(b *bytes.Buffer) {
	b.WriteString(`
## What may be refused

A refusal is one of these answers: what was asked is not for this credential, plan or
tenant, and asking again in the same way would not help.

| HTTP status | taken to mean |
|---|---|
`)
	refusals := jumpcloud.Refusals()
	for _, status := range slices.Sorted(maps.Keys(refusals)) {
		fmt.Fprintf(b, "| %d %s | %s |\n", status, http.StatusText(status), refusals[status])
	}
	b.WriteString(`
Where the following is refused, the sync goes on in another way. Anything else that is
refused fails it. Whether to sort, and which fields to send, is refused by 400 and 422
only, and so is whatever has been answered before: all else is then about the object or a
right that was taken away.

| asked | how | where it is refused |
|---|---|---|
`)
	for _, o := range jumpcloud.Optionals() {
		fmt.Fprintf(b, "| `%s %s` | %s | %s |\n", o.Route.Method, o.Route.Pattern, o.Form, o.Instead)
	}
	b.WriteString(`
All other answers are no refusals. 401, redirects and pages of HTML are about the
credential and fail at once. 408, 429, 502, 503, 504, 520 to 530 and broken connections
are asked again for at least 15 minutes and 10 attempts, 500 and answers that make no
sense four times.
`)
}

// TestAPIDocIsCurrent compares docs/API.md with the table of routes, or writes it.
func TestAPIDocIsCurrent(t *testing.T) {
	t.Parallel()
	var reads, writes []jumpcloud.Route
	for _, r := range jumpcloud.Routes() {
		if r.Method == http.MethodGet || r.Pattern == "/api/search/systemusers" || strings.HasPrefix(r.Pattern, "/insights/") {
			reads = append(reads, r)
		} else {
			writes = append(writes, r)
		}
	}
	var want bytes.Buffer
	want.WriteString(apiDocHead)
	writeRoutes(&want, "Reads", reads)
	writeRoutes(&want, "Changes", writes)
	writeOptionals(&want)

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

package c1z

import (
	"strings"
	"testing"
)

// ExplainGrants shows how SQLite would answer lists of grants.
func ExplainGrants(t *testing.T, r *Reader, syncID string, filters []GrantFilter, show func(GrantFilter, string)) {
	t.Helper()
	sqlite := r.rows.(*sqliteRows)
	for _, f := range filters {
		l := sqlite.grantList(syncID, f, grantColumns())
		rows, err := sqlite.db.QueryContext(t.Context(), "explain query plan "+l.sql(), append([]any{0}, l.args...)...)
		if err != nil {
			t.Fatal(err)
		}
		var plan []string
		for rows.Next() {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				t.Fatal(err)
			}
			plan = append(plan, detail)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
		show(f, strings.Join(plan, "; "))
	}
}

package c1z

import (
	"slices"
	"strings"

	"github.com/conductorone/baton-jumpcloud/internal/c1z/sqlitefile"
)

// column is a column of one of the seven tables.
type column struct {
	name string
	decl string
	// missing is the SQL that stands for the column in files that were written
	// before it existed; empty for columns that every file has.
	missing string
	// run marks what differs between two runs that read the same, which is left
	// out of the canonical dump.
	run bool
}

// table is one of the seven tables of an archive.
type table struct {
	name string
	// number is its place among the tables of the file.
	number int
	// key is the column by which the canonical dump is ordered.
	key     string
	columns []column
	indexes []index
	// limits are those of the messages in the column data; nil for other data.
	limits fields
}

// index is an index of one of the tables. Other readers look for its name when
// they open a file.
type index struct {
	name    string
	unique  bool
	columns []string
	// where restricts a partial index to rows in which a column is set.
	where partial
}

// partial is a condition on the rows of an index.
type partial struct{ column, condition string }

// schema is the seven tables, in the order in which a file makes them.
type schema struct {
	resourceTypes, resources, entitlements, syncRuns, grants, assets, sessions table
}

// all lists the tables in order.
func (s *schema) all() []*table {
	return []*table{
		&s.resourceTypes, &s.resources, &s.entitlements, &s.syncRuns,
		&s.grants, &s.assets, &s.sessions,
	}
}

// text is a column that every file has.
func text(name string) column { return column{name: name, decl: "text not null"} }

// newSchema describes the database. The names of two indexes of v1_resources are
// swapped, in every file there is.
func newSchema() *schema {
	id := column{name: "id", decl: "integer primary key", run: true}
	externalID := column{name: "external_id", decl: "text not null"}
	data := column{name: "data", decl: "blob not null"}
	syncID := column{name: "sync_id", decl: "text not null", run: true}
	discovered := column{name: "discovered_at", decl: "datetime not null", run: true}
	s := &schema{
		resourceTypes: table{
			name: "v1_resource_types", key: "external_id", limits: resourceTypeFields,
			columns: []column{id, externalID, data, syncID, discovered},
			indexes: []index{
				{name: "idx_resource_types_external_sync_v1", unique: true, columns: []string{"external_id", "sync_id"}},
			},
		},
		resources: table{
			name: "v1_resources", key: "external_id", limits: resourceFields,
			columns: []column{
				id, text("resource_type_id"), externalID,
				{name: "parent_resource_type_id", decl: "text", missing: "null"},
				{name: "parent_resource_id", decl: "text", missing: "null"},
				data, syncID, discovered,
			},
			indexes: []index{
				{name: "idx_resources_resource_type_id_v1", columns: []string{"resource_type_id"}},
				{name: "idx_resources_external_sync_v1", columns: []string{"parent_resource_type_id", "parent_resource_id"}},
				{name: "idx_resources_parent_resource_id_v1", unique: true, columns: []string{"external_id", "sync_id"}},
			},
		},
		entitlements: table{
			name: "v1_entitlements", key: "external_id", limits: entitlementFields,
			columns: []column{
				id, text("resource_type_id"), text("resource_id"), externalID,
				data, syncID, discovered,
			},
			indexes: []index{
				{name: "idx_entitlements_resource_id_v1", columns: []string{"resource_type_id", "resource_id"}},
				{name: "idx_entitlements_external_sync_v1", unique: true, columns: []string{"external_id", "sync_id"}},
			},
		},
		syncRuns: table{
			name: "v1_sync_runs", key: "sync_id",
			columns: []column{
				id, syncID,
				{name: "started_at", decl: "datetime not null", run: true},
				{name: "ended_at", decl: "datetime", run: true},
				{name: "sync_token", decl: "text not null", run: true},
				{name: "sync_type", decl: "text not null default 'full'", missing: "'full'"},
				{name: "parent_sync_id", decl: "text not null default ''", missing: "''"},
				{name: "linked_sync_id", decl: "text not null default ''", missing: "''"},
				{name: "supports_diff", decl: "integer not null default 0", missing: "0"},
				{name: "grants_backfilled", decl: "integer not null default 0", missing: "0"},
				{name: "stats", decl: "text", missing: "null"},
				{name: "ingest_invariant_generation", decl: "text not null default ''", missing: "''"},
				{name: "ingest_invariant_coverage", decl: "text not null default ''", missing: "''"},
				{name: "ingest_invariant_mode", decl: "text not null default ''", missing: "''"},
			},
			indexes: []index{
				{name: "idx_sync_runs_sync_id_v1", unique: true, columns: []string{"sync_id"}},
			},
		},
		grants: table{
			name: "v1_grants", key: "external_id", limits: grantFields,
			columns: []column{
				id, text("resource_type_id"), text("resource_id"), text("entitlement_id"),
				text("principal_resource_type_id"), text("principal_resource_id"), externalID,
				{name: "expansion", decl: "blob", missing: "null"},
				{name: "needs_expansion", decl: "integer not null default 0", missing: "0"},
				data, syncID, discovered,
			},
			indexes: []index{
				{name: "idx_grants_resource_type_id_resource_id_v1", columns: []string{"resource_type_id", "resource_id"}},
				{name: "idx_grants_principal_id_v1", columns: []string{"principal_resource_type_id", "principal_resource_id"}},
				{name: "idx_grants_entitlement_id_principal_id_v1", columns: []string{"entitlement_id", "principal_resource_type_id", "principal_resource_id"}},
				{name: "idx_grants_external_sync_v1", unique: true, columns: []string{"external_id", "sync_id"}},
				{name: "idx_grants_entitlement_sync_grant_v1", columns: []string{"entitlement_id", "sync_id", "id"}},
				{name: "idx_grants_sync_expansion_v1", columns: []string{"sync_id"}, where: partial{"expansion", "is not null"}},
				{name: "idx_grants_sync_needs_expansion_v1", columns: []string{"sync_id"}, where: partial{"needs_expansion", "= 1"}},
			},
		},
		assets: table{
			name: "v1_assets", key: "external_id",
			columns: []column{
				id, externalID, text("content_type"),
				data, syncID, discovered,
			},
			indexes: []index{
				{name: "idx_assets_external_sync_v1", unique: true, columns: []string{"external_id", "sync_id"}},
			},
		},
		sessions: table{
			name: "v1_connector_sessions", key: "key",
			columns: []column{
				id, syncID, text("key"),
				{name: "value", decl: "blob not null"},
			},
			indexes: []index{
				{name: "idx_session_store_sync_key_v1", unique: true, columns: []string{"sync_id", "key"}},
			},
		},
	}
	for i, t := range s.all() {
		t.number = i
	}
	return s
}

// ddl returns the statement that makes the table.
func (t *table) ddl() string {
	columns := make([]string, len(t.columns))
	for i, c := range t.columns {
		columns[i] = c.name + " " + c.decl
	}
	return "CREATE TABLE " + t.name + " (" + strings.Join(columns, ", ") + ")"
}

// ddl returns the statement that makes the index.
func (i index) ddl(t *table) string {
	s := "CREATE INDEX "
	if i.unique {
		s = "CREATE UNIQUE INDEX "
	}
	s += i.name + " on " + t.name + " (" + strings.Join(i.columns, ", ") + ")"
	if i.where.column != "" {
		s += " where " + i.where.column + " " + i.where.condition
	}
	return s
}

// place is where a column stands in a row, which leaves out the row id.
func (t *table) place(name string) int {
	return slices.IndexFunc(t.columns, func(c column) bool { return c.name == name }) - 1
}

// file describes the table for writing.
func (t *table) file() sqlitefile.Table {
	f := sqlitefile.Table{Name: t.name, SQL: t.ddl()}
	for _, i := range t.indexes {
		index := sqlitefile.Index{Name: i.name, SQL: i.ddl(t), Unique: i.unique}
		for _, c := range i.columns {
			index.Columns = append(index.Columns, t.place(c))
		}
		switch at := t.place(i.where.column); i.where.condition {
		case "is not null":
			index.Has = func(r *sqlitefile.Row) bool { return !r.IsNull(at) }
		case "= 1":
			index.Has = func(r *sqlitefile.Row) bool { return r.IsOne(at) }
		}
		f.Indexes = append(f.Indexes, index)
	}
	return f
}

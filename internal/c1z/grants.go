package c1z

import (
	"context"
	"fmt"
	"iter"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// GrantFilter restricts a list of grants; what is set must all hold. Its zero
// value restricts nothing. An entitlement, a principal with its type, a resource
// with its type and Expandable are answered from an index where the file has it.
type GrantFilter struct {
	Entitlement string // entitlement id
	// ResourceType and Resource are those of the entitlement.
	ResourceType, Resource   string
	PrincipalType, Principal string
	// Expandable restricts to grants that other grants follow from.
	Expandable bool
}

// GrantKey is a grant without its message: who has what.
type GrantKey struct {
	ID, Entitlement string
	// ResourceType and Resource are those of the entitlement.
	ResourceType, Resource   string
	PrincipalType, Principal string
}

// Grants lists grants in the order of their rows, each with its GrantExpandable
// annotation where it has one.
func (r *sqliteRows) Grants(ctx context.Context, syncID string, f GrantFilter) iter.Seq2[*v2.Grant, error] {
	return pages(ctx, r, r.grantList(syncID, f, grantColumns()), scanGrant)
}

// GrantKeys lists the same grants as [rows.Grants] without decoding them,
// several times as fast.
func (r *sqliteRows) GrantKeys(ctx context.Context, syncID string, f GrantFilter) iter.Seq2[GrantKey, error] {
	return pages(ctx, r, r.grantList(syncID, f, []string{
		"external_id", "entitlement_id", "resource_type_id", "resource_id",
		"principal_resource_type_id", "principal_resource_id",
	}), scanGrantKey)
}

// Grant returns one grant. If there is none, the error is [ErrNotFound].
func (r *sqliteRows) Grant(ctx context.Context, syncID, id string) (*v2.Grant, error) {
	g, err := one(ctx, r, r.source(&r.schema.grants), grantColumns(), syncID, id, scanGrant)
	if err != nil {
		return nil, fmt.Errorf("grant %w", err)
	}
	return g, nil
}

// grantList chooses the index that leads to few rows in the order of their ids,
// and keeps SQLite from the others with plus signs.
func (r *sqliteRows) grantList(syncID string, f GrantFilter, columns []string) list {
	l := list{source: r.source(&r.schema.grants), columns: columns}
	byPrincipal := f.Principal != "" && f.PrincipalType != ""
	switch {
	case f.Entitlement != "" && byPrincipal:
		l.and("entitlement_id = ?", f.Entitlement)
		l.and("+sync_id = ?", syncID)
	case f.Entitlement != "":
		l.and("entitlement_id = ?", f.Entitlement)
		l.and("sync_id = ?", syncID)
	case f.Expandable && !byPrincipal && f.Resource == "":
		l.and("sync_id = ?", syncID)
	default:
		l.and("+sync_id = ?", syncID)
	}
	l.pair("principal_resource_type_id", f.PrincipalType, "principal_resource_id", f.Principal, true)
	l.pair("resource_type_id", f.ResourceType, "resource_id", f.Resource, f.Entitlement == "" && !byPrincipal)
	if f.Expandable {
		r.expandable(&l, syncID)
	}
	return l
}

// expandable restricts to grants with an expansion, which syncs of old programs
// keep within the message.
func (r *sqliteRows) expandable(l *list, syncID string) {
	for _, s := range r.syncs {
		if s.ID == syncID && s.Backfilled {
			l.and(l.column("expansion") + " is not null")
			return
		}
	}
	l.and("("+l.column("expansion")+" is not null or instr(data, ?) > 0)", []byte(expandableURL))
}

// check refuses ids that no grant can have.
func (k GrantKey) check() error {
	return checkKeys(k.ID, k.Entitlement, k.ResourceType, k.Resource, k.PrincipalType, k.Principal)
}

// size is how many bytes the key takes.
func (k GrantKey) size() int {
	return len(k.ID) + len(k.Entitlement) + len(k.ResourceType) + len(k.Resource) + len(k.PrincipalType) + len(k.Principal)
}

func scanGrantKey(scan func(...any) error) (GrantKey, int, error) {
	var k GrantKey
	if err := scan(&k.ID, &k.Entitlement, &k.ResourceType, &k.Resource, &k.PrincipalType, &k.Principal); err != nil {
		return k, 0, err
	}
	return k, k.size(), k.check()
}

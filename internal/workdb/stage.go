package workdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// scope is how a syncer.Scope is kept.
type scope struct {
	ResourceTypes []string     `json:"resource_types,omitempty"`
	LeftOut       []string     `json:"left_out,omitempty"`
	Targets       []syncer.Ref `json:"targets,omitempty"`
	NoGrants      bool         `json:"skip_grants,omitempty"`
	ResourcesOnly bool         `json:"skip_entitlements_and_grants,omitempty"`
}

// State implements [syncer.Stage].
func (db *DB) State(ctx context.Context) (syncer.State, error) {
	meta, err := db.meta(ctx)
	if err != nil {
		return syncer.State{}, err
	}
	st := syncer.State{Phase: syncer.Phase(meta[metaPhase])}
	if st.Phase == syncer.PhaseNew {
		return st, nil
	}
	var sc scope
	if err := json.Unmarshal([]byte(meta[metaScope]), &sc); err != nil {
		return syncer.State{}, db.fail("read scope", err)
	}
	st.LeftOut = sc.LeftOut
	st.Scope = syncer.Scope{
		ResourceTypes: sc.ResourceTypes, SkipGrants: sc.NoGrants, SkipEntitlementsAndGrants: sc.ResourcesOnly,
	}
	for _, t := range sc.Targets {
		st.Scope.Targets = append(st.Scope.Targets, &v2.ResourceId{ResourceType: t.Type, Resource: t.ID})
	}
	var types v2.ResourceTypesServiceListResourceTypesResponse
	if err := proto.Unmarshal([]byte(meta[metaTypes]), &types); err != nil {
		return syncer.State{}, db.fail("read resource types", err)
	}
	st.ResourceTypes = types.List
	return st, nil
}

// meta reads the table meta.
func (db *DB) meta(ctx context.Context) (map[string]string, error) {
	type pair struct{ key, value string }
	meta := map[string]string{}
	for p, err := range query(ctx, db, "read settings", func(s rowScanner) (p pair, err error) {
		err = s.Scan(&p.key, &p.value)
		return p, err
	}, `SELECT key, value FROM meta`) {
		if err != nil {
			return nil, err
		}
		meta[p.key] = p.value
	}
	return meta, nil
}

// Begin implements [syncer.Stage].
func (db *DB) Begin(ctx context.Context, st syncer.State, b *syncer.Batch) error {
	sc := scope{
		ResourceTypes: st.Scope.ResourceTypes, LeftOut: st.LeftOut,
		NoGrants: st.Scope.SkipGrants, ResourcesOnly: st.Scope.SkipEntitlementsAndGrants,
	}
	for _, t := range st.Scope.Targets {
		sc.Targets = append(sc.Targets, syncer.Ref{Type: t.GetResourceType(), ID: t.GetResource()})
	}
	scopeJSON, err := json.Marshal(sc)
	if err != nil {
		return fmt.Errorf("store scope: %w", err)
	}
	types, err := proto.MarshalOptions{Deterministic: true}.Marshal(
		&v2.ResourceTypesServiceListResourceTypesResponse{List: st.ResourceTypes})
	if err != nil {
		return fmt.Errorf("store resource types: %w", err)
	}
	return db.do(ctx, "begin", func(ctx context.Context, t *tx) error {
		var phase syncer.Phase
		if err := t.row(ctx, `SELECT value FROM meta WHERE key = ?`, metaPhase).Scan(&phase); err != nil {
			return err
		}
		if phase != syncer.PhaseNew {
			return errors.New("the sync has begun already")
		}
		if _, err := t.rows(ctx, b); err != nil {
			return err
		}
		return errors.Join(
			t.setMeta(ctx, metaScope, scopeJSON),
			t.setMeta(ctx, metaTypes, types),
			t.setMeta(ctx, metaPhase, string(syncer.PhaseReading)),
		)
	})
}

func (t *tx) setMeta(ctx context.Context, key string, value any) error {
	return t.exec(ctx, `INSERT INTO meta (key, value) VALUES (?, ?)
		ON CONFLICT (key) DO UPDATE SET value = excluded.value`, key, value)
}

// Advance implements [syncer.Stage].
func (db *DB) Advance(ctx context.Context, from, to syncer.Phase, took time.Duration) error {
	return db.do(ctx, "enter phase "+string(to), func(ctx context.Context, t *tx) error {
		return t.advance(ctx, from, to, took)
	})
}

func (t *tx) advance(ctx context.Context, from, to syncer.Phase, took time.Duration) error {
	return errors.Join(t.count(ctx, metaTook+string(from), int64(took)), t.setMeta(ctx, metaPhase, string(to)))
}

// Found implements [syncer.Stage].
func (db *DB) Found(ctx context.Context, b *syncer.Batch) error {
	return db.do(ctx, "store a principal", func(ctx context.Context, t *tx) error {
		if _, err := t.rows(ctx, b); err != nil {
			return err
		}
		return t.count(ctx, syncer.CounterLookedUp, 1)
	})
}

// Absent implements [syncer.Stage].
func (db *DB) Absent(ctx context.Context, ref syncer.Ref, facts ...syncer.Fact) error {
	return db.do(ctx, "store an absent principal", func(ctx context.Context, t *tx) error {
		if _, err := t.rows(ctx, &syncer.Batch{Facts: facts}); err != nil {
			return err
		}
		return t.exec(ctx, `INSERT OR IGNORE INTO absent (type, resource) VALUES (?, ?)`, ref.Type, ref.ID)
	})
}

// Discard implements [syncer.Stage].
func (db *DB) Discard(ctx context.Context, reason string) error {
	return db.do(ctx, "give the sync up", func(ctx context.Context, t *tx) error {
		return t.setMeta(ctx, metaDiscard, reason)
	})
}

// Save implements [syncer.Spill].
func (db *DB) Save(ctx context.Context, key string, value []byte) error {
	return db.do(ctx, "store a set", func(ctx context.Context, t *tx) error {
		return t.exec(ctx, `INSERT INTO spill (key, value) VALUES (?, ?)
			ON CONFLICT (key) DO UPDATE SET value = excluded.value`, key, blob(value))
	})
}

// ClearSpill implements [syncer.Spill].
func (db *DB) ClearSpill(ctx context.Context) error {
	return db.do(ctx, "clear sets", func(ctx context.Context, t *tx) error {
		return t.exec(ctx, `DELETE FROM spill`)
	})
}

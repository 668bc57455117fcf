package pebblestore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	storagev3 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/storage/v3"
)

// rebuild writes a database of the old layout anew in place of the folder: keys that
// name entitlements and grants by their ids become those of what the records say they
// are of. Grants that are then the same are united, as the public SDK unites them.
func (s *Store) rebuild(ctx context.Context, dir string) (err error) {
	fresh := dir + ".new"
	spill := dir + ".spill"
	if err := os.Mkdir(spill, 0o700); err != nil {
		return fmt.Errorf("read unpacked archive: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(spill)) }()
	b, err := NewBuilder(BuildOptions{Dir: fresh, SpillDir: spill, MergeGrants: true})
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, b.Close())
		if err != nil {
			err = errors.Join(err, os.RemoveAll(fresh))
		}
	}()
	if err := s.copyTo(ctx, b); err != nil {
		return err
	}
	var run *storagev3.SyncRunRecord
	if err := s.readRun(); err != nil {
		return err
	}
	run = s.run
	// The counts of an old database may be of rows before they were united.
	if err := b.Finish(ctx, run, nil); err != nil {
		return err
	}
	if err := errors.Join(s.Close(), os.RemoveAll(dir)); err != nil {
		return err
	}
	if err := os.Rename(fresh, dir); err != nil {
		return fmt.Errorf("read unpacked archive: %w", err)
	}
	return nil
}

// copyTo gives all rows to a builder.
func (s *Store) copyTo(ctx context.Context, b *Builder) error {
	for _, prefix := range []string{familyResourceType, familyAsset} {
		if err := s.each(ctx, family(prefix), b.putRow); err != nil {
			return err
		}
	}
	err := s.each(ctx, family(familyResource), func(key, value []byte) error {
		m, err := readResource(key, value)
		if err != nil {
			return inRow(key, err)
		}
		if p := m.GetParentResourceId(); p.GetResource() != "" {
			b.key = appendParts(append(b.key[:0], indexByParent...), p.GetResourceType(), p.GetResource(), m.GetId().GetResourceType(), m.GetId().GetResource())
			if err := b.putIndex(b.key); err != nil {
				return err
			}
		}
		return b.putRow(key, value)
	})
	if err != nil {
		return err
	}
	err = s.each(ctx, family(familyEntitlement), func(key, value []byte) error {
		r, err := decode[storagev3.EntitlementRecord](value)
		if err != nil {
			return inRow(key, err)
		}
		of := r.GetResource()
		if r.GetExternalId() == "" || of.GetResourceTypeId() == "" || of.GetResourceId() == "" {
			return inRow(key, damaged("%v", ErrNoID))
		}
		return b.putRow(appendEntitlement([]byte(familyEntitlement), of.GetResourceTypeId(), of.GetResourceId(), r.GetExternalId()), value)
	})
	if err != nil {
		return err
	}
	return s.each(ctx, family(familyGrant), func(key, value []byte) error {
		var r edgeReader
		if err := r.decode(value); err != nil {
			return inRow(key, err)
		}
		g := grantKey{string(r.ResourceType), string(r.Resource), string(r.Entitlement), string(r.PrincipalType), string(r.Principal)}
		if slices.Contains(g[:], "") {
			return inRow(key, damaged("%v", ErrNoID))
		}
		if err := b.indexGrant(g, r.Expandable); err != nil {
			return err
		}
		return b.putRow(appendGrant([]byte(familyGrant), g[0], g[1], g[2], g[3], g[4]), value)
	})
}

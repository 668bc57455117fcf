package c1z

import (
	"context"
	"iter"

	storagev3 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/storage/v3"
)

// Asset is a picture that resources refer to.
type Asset struct {
	ID, ContentType string
	Data            []byte
}

// Assets implements rows.
func (r *sqliteRows) Assets(ctx context.Context, syncID string) iter.Seq2[Asset, error] {
	l := list{source: r.source(&r.schema.assets), columns: []string{"external_id", "content_type", "data"}}
	l.and("+sync_id = ?", syncID)
	return pages(ctx, r, l, func(scan func(...any) error) (Asset, int, error) {
		var a Asset
		if err := scan(&a.ID, &a.ContentType, &a.Data); err != nil {
			return a, 0, err
		}
		return a, len(a.ID) + len(a.ContentType) + len(a.Data), checkKeys(a.ID, a.ContentType)
	})
}

// Assets implements rows.
func (r *pebbleRows) Assets(ctx context.Context, syncID string) iter.Seq2[Asset, error] {
	return of(r, syncID, func() iter.Seq2[Asset, error] {
		return mapped(r.store.Assets(ctx), func(m *storagev3.AssetRecord) (Asset, error) {
			return Asset{ID: m.GetExternalId(), ContentType: m.GetContentType(), Data: m.GetData()}, checkKeys(m.GetExternalId(), m.GetContentType())
		})
	})
}

// PutAssets adds pictures.
func (w *Writer) PutAssets(ctx context.Context, assets ...Asset) error {
	return put(ctx, w, "asset", assets, func(a Asset) string { return a.ID }, func(_ context.Context, a Asset) error {
		if a.ID == "" {
			return errNoID
		}
		w.stats.Assets++
		return w.build.putAsset(a)
	})
}

func (w *sqliteBuild) putAsset(a Asset) error {
	r := &w.row
	r.Reset()
	r.Text(a.ID)
	r.Text(a.ContentType)
	r.Blob(a.Data)
	r.Text(w.syncID)
	r.Text(w.discovered)
	return w.store(&w.schema.assets)
}

func (w *pebbleBuild) putAsset(a Asset) error {
	return w.builder.PutAsset(&storagev3.AssetRecord{SyncId: w.syncID, ExternalId: a.ID, ContentType: a.ContentType, Data: a.Data, DiscoveredAt: w.builder.DiscoveredAt()})
}

package workdb

import "context"

// metaRefused is the key of the table meta for the code of a refused sync.
const metaRefused = "refused"

// Refuse marks the sync as one that is read to its end and must not be published,
// unless somebody names the code: [Open] resumes it for a [Fingerprint] that accepts
// the code and discards it for every other, so that what was read wrongly is not
// taken for the truth again.
func (db *DB) Refuse(ctx context.Context, code string) error {
	return db.do(ctx, "refuse the sync", func(ctx context.Context, t *tx) error {
		return t.setMeta(ctx, metaRefused, code)
	})
}

package workdb

import (
	"context"
	"errors"

	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// Classes of tokens. First come those on which more depends: the first pages of the
// organization's lists, further pages of lists that name lists, pages of a chain,
// and pages that are read again.
const (
	classFirst = 0
	classRest  = 1
)

// countExamples is how many lists that show nothing are named.
const countExamples = 5

// rankUnit is the rank of the last page of a list; the pages before have ranks in
// proportion. Lists of all lengths then end at about the same time.
const rankUnit = 1 << 20

// Commit implements [syncer.Queue].
func (db *DB) Commit(ctx context.Context, b *syncer.Batch) (syncer.Committed, error) {
	var out syncer.Committed
	err := db.do(ctx, "store a page of "+b.Token.List.String(), func(ctx context.Context, t *tx) (err error) {
		out, err = t.commit(ctx, b)
		return err
	})
	return out, err
}

func (t *tx) commit(ctx context.Context, b *syncer.Batch) (syncer.Committed, error) {
	list := b.Token.ListID
	n, err := t.change(ctx, `UPDATE tokens SET done = 1 WHERE id = ? AND done = 0`, b.Token.ID)
	if err != nil || n == 0 {
		return syncer.Committed{}, err
	}
	if b.Gone {
		return syncer.Committed{Complete: true}, errors.Join(t.vanish(ctx, b.Token.List.Owner), t.forSummary(ctx, b))
	}
	tokens, err := t.rows(ctx, b)
	if err != nil {
		return syncer.Committed{}, err
	}
	next, err := t.next(ctx, b)
	if err != nil {
		return syncer.Committed{}, err
	}
	if b.Receipt != nil {
		if err := t.exec(ctx, `INSERT INTO receipts (list, receipt) VALUES (?, ?)`, list, b.Receipt); err != nil {
			return syncer.Committed{}, err
		}
	}
	var open, settled int64
	err = t.row(ctx, `UPDATE lists SET open = open - 1 + ?, settled = max(settled, ?), seen = seen + ?,
		total = max(total, ?), counted = max(counted, ?), shown = max(shown, ?) WHERE id = ? RETURNING open, settled`,
		len(next), b.Settled, b.Rows, b.Total, b.Counted, b.Shown, list).Scan(&open, &settled)
	if err != nil {
		return syncer.Committed{}, err
	}
	return syncer.Committed{Tokens: append(next, tokens...), Idle: open == 0 && settled == 0, Complete: open == 0 && settled == 1}, nil
}

// vanish ends every list of a resource that was deleted, and hides the resource.
func (t *tx) vanish(ctx context.Context, owner syncer.Ref) error {
	return errors.Join(
		t.exec(ctx, `INSERT OR IGNORE INTO vanished (type, resource) VALUES (?, ?)`, owner.Type, owner.ID),
		t.exec(ctx, `UPDATE tokens SET done = 1 WHERE done = 0 AND list IN
			(SELECT id FROM lists WHERE owner_type = ? AND owner_id = ?)`, owner.Type, owner.ID),
		t.exec(ctx, `UPDATE lists SET open = 0, settled = 1 WHERE owner_type = ? AND owner_id = ?`, owner.Type, owner.ID),
	)
}

// rows stores what a page brought, and returns the first tokens of new lists.
func (t *tx) rows(ctx context.Context, b *syncer.Batch) ([]syncer.Token, error) {
	for _, r := range b.Resources {
		if err := t.putResource(ctx, r); err != nil {
			return nil, err
		}
	}
	// Of two hints the smaller one stays, so that the order of pages does not count.
	for _, r := range b.Hints {
		if err := t.exec(ctx, `INSERT INTO resources (type, resource, hint, name, data) VALUES (?, ?, 1, ?, ?)
			ON CONFLICT (type, resource) DO UPDATE SET name = excluded.name, data = excluded.data
			WHERE hint = 1 AND excluded.data < data`, r.Ref.Type, r.Ref.ID, r.Name, blob(r.Data)); err != nil {
			return nil, err
		}
	}
	for _, e := range b.Entitlements {
		if err := t.exec(ctx, `INSERT INTO entitlements (entitlement, type, resource, data) VALUES (?, ?, ?, ?)
			ON CONFLICT (entitlement) DO UPDATE SET type = excluded.type, resource = excluded.resource, data = excluded.data`,
			e.ID, e.Resource.Type, e.Resource.ID, blob(e.Data)); err != nil {
			return nil, err
		}
	}
	for _, g := range b.Grants {
		if err := t.putBlock(ctx, g); err != nil {
			return nil, err
		}
	}
	for _, f := range b.Facts {
		if err := t.exec(ctx, `INSERT INTO facts (kind, key, value) VALUES (?, ?, ?)
			ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value`, f.Kind, f.Key, f.Value); err != nil {
			return nil, err
		}
	}
	if err := t.forSummary(ctx, b); err != nil {
		return nil, err
	}
	return t.lists(ctx, b.Lists)
}

// forSummary stores what the summary wants to know.
func (t *tx) forSummary(ctx context.Context, b *syncer.Batch) error {
	for _, r := range b.Remarks {
		if err := t.remark(ctx, r); err != nil {
			return err
		}
	}
	for name, n := range b.Counts {
		if err := t.count(ctx, name, n); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) putResource(ctx context.Context, r syncer.ResourceRow) error {
	return t.exec(ctx, `INSERT INTO resources (type, resource, hint, name, data) VALUES (?, ?, 0, ?, ?)
		ON CONFLICT (type, resource) DO UPDATE SET hint = 0, name = excluded.name, data = excluded.data`,
		r.Ref.Type, r.Ref.ID, r.Name, blob(r.Data))
}

func (t *tx) putBlock(ctx context.Context, g syncer.GrantBlock) error {
	return t.exec(ctx, `INSERT INTO grants (entitlement, count, expandable, data) VALUES (?, ?, ?, ?)`,
		g.Entitlement, g.Count, g.Expandable, blob(g.Data))
}

func (t *tx) remark(ctx context.Context, remark string) error {
	return t.exec(ctx, `INSERT OR IGNORE INTO remarks (remark) VALUES (?)`, remark)
}

func (t *tx) count(ctx context.Context, name string, n int64) error {
	return t.exec(ctx, `INSERT INTO counters (name, value) VALUES (?, ?)
		ON CONFLICT (name) DO UPDATE SET value = value + excluded.value`, name, n)
}

// lists opens the lists that are new.
func (t *tx) lists(ctx context.Context, lists []syncer.List) ([]syncer.Token, error) {
	var tokens []syncer.Token
	for _, l := range lists {
		id, isNew, err := t.insert(ctx, `INSERT OR IGNORE INTO lists (kind, label, owner_type, owner_id, open) VALUES (?, ?, ?, ?, 1)`,
			l.Kind, l.Label, l.Owner.Type, l.Owner.ID)
		if err != nil {
			return nil, err
		}
		if !isNew {
			continue
		}
		tok := syncer.Token{ListID: id, List: l, Class: classRest}
		if l.Owner == (syncer.Ref{}) {
			tok.Class = classFirst
		}
		if tokens, err = t.token(ctx, tokens, tok); err != nil {
			return nil, err
		}
	}
	return tokens, nil
}

// next opens the tokens that a page names. A page that names one page may be part
// of a chain: what follows it cannot be known before it is read, so it comes early,
// the longest known chain first.
func (t *tx) next(ctx context.Context, b *syncer.Batch) ([]syncer.Token, error) {
	var tokens []syncer.Token
	for i, next := range b.Next {
		tok := syncer.Token{ListID: b.Token.ListID, List: b.Token.List, Token: next, Class: classRest}
		if len(b.Lists) > 0 {
			tok.Class = classFirst
		}
		tok.Rank = int64(i+1) * rankUnit / int64(len(b.Next))
		if len(b.Next) == 1 {
			tok.Class, tok.Rank = classFirst, 0
			if b.Total > 0 {
				var seen int64
				if err := t.row(ctx, `SELECT seen FROM lists WHERE id = ?`, tok.ListID).Scan(&seen); err != nil {
					return nil, err
				}
				tok.Rank = min(0, seen+int64(b.Rows)-int64(b.Total))
			}
		}
		var err error
		if tokens, err = t.token(ctx, tokens, tok); err != nil {
			return nil, err
		}
	}
	return tokens, nil
}

// token opens a token unless it was named before.
func (t *tx) token(ctx context.Context, tokens []syncer.Token, tok syncer.Token) ([]syncer.Token, error) {
	id, isNew, err := t.insert(ctx, `INSERT OR IGNORE INTO tokens (list, token, class, rank) VALUES (?, ?, ?, ?)`,
		tok.ListID, tok.Token, tok.Class, tok.Rank)
	if err != nil || !isNew {
		return tokens, err
	}
	tok.ID = id
	return append(tokens, tok), nil
}

// Settle implements [syncer.Queue].
func (db *DB) Settle(ctx context.Context, list syncer.OpenList, verdict syncer.Verdict) ([]syncer.Token, error) {
	var tokens []syncer.Token
	err := db.do(ctx, "settle "+list.List.String(), func(ctx context.Context, t *tx) (err error) {
		tokens = nil
		for name, is := range map[string]bool{syncer.CounterMoved: verdict.Moved, syncer.CounterBlind: verdict.Blind} {
			if !is {
				continue
			}
			if err := t.count(ctx, name, 1); err != nil {
				return err
			}
		}
		for _, name := range verdict.Next {
			tok := syncer.Token{ListID: list.ID, List: list.List, Token: name, Class: classFirst}
			if tokens, err = t.token(ctx, tokens, tok); err != nil {
				return err
			}
		}
		return t.exec(ctx, `UPDATE lists SET open = open + ?, settled = ?, counted = ?, shown = ? WHERE id = ?`,
			len(tokens), len(verdict.Next) == 0 && !verdict.Wait, verdict.Counted, verdict.Shown, list.ID)
	})
	return tokens, err
}

// OpenTokens implements [syncer.Queue].
func (db *DB) OpenTokens(ctx context.Context, limit int) ([]syncer.Token, int64, error) {
	var tokens []syncer.Token
	var last int64
	// One statement sees one state: the last id comes with the tokens.
	rows := query(ctx, db, "list open pages", func(s rowScanner) (t syncer.Token, err error) {
		err = s.Scan(&t.ID, &t.ListID, &t.List.Kind, &t.List.Label, &t.List.Owner.Type, &t.List.Owner.ID, &t.Token, &t.Class, &t.Rank, &last)
		return t, err
	}, `SELECT t.id, t.list, l.kind, l.label, l.owner_type, l.owner_id, t.token, t.class, t.rank,
		(SELECT max(id) FROM tokens) FROM tokens t JOIN lists l ON l.id = t.list
		WHERE t.done = 0 ORDER BY t.class, t.rank, t.id LIMIT ?`, limit)
	for t, err := range rows {
		if err != nil {
			return nil, 0, err
		}
		tokens = append(tokens, t)
	}
	return tokens, last, nil
}

// IdleLists implements [syncer.Queue].
func (db *DB) IdleLists(ctx context.Context) ([]syncer.OpenList, error) {
	return collect(query(ctx, db, "list unsettled lists", func(s rowScanner) (l syncer.OpenList, err error) {
		err = s.Scan(&l.ID, &l.List.Kind, &l.List.Label, &l.List.Owner.Type, &l.List.Owner.ID)
		return l, err
	}, `SELECT id, kind, label, owner_type, owner_id FROM lists WHERE open = 0 AND settled = 0 ORDER BY id`))
}

// Receipts implements [syncer.Queue].
func (db *DB) Receipts(ctx context.Context, list int64) ([][]byte, error) {
	return collect(query(ctx, db, "read receipts", func(s rowScanner) (receipt []byte, err error) {
		err = s.Scan(&receipt)
		return receipt, err
	}, `SELECT receipt FROM receipts WHERE list = ? ORDER BY id`, list))
}

// Counts implements [syncer.Queue].
func (db *DB) Counts(ctx context.Context) ([]syncer.KindCounts, error) {
	kinds, err := collect(query(ctx, db, "sum up what lists count", func(s rowScanner) (k syncer.KindCounts, err error) {
		err = s.Scan(&k.Kind, &k.Label, &k.Lists, &k.Empty, &k.Counted, &k.Shown, &k.EmptyCounted)
		return k, err
	}, `SELECT kind, max(label), count(*), sum(shown = 0), sum(counted), sum(min(shown, counted)), sum(iif(shown = 0, counted, 0))
		FROM live_counts GROUP BY kind ORDER BY max(label), kind`))
	if err != nil {
		return nil, err
	}
	for i := range kinds {
		if kinds[i].Empty == 0 {
			continue
		}
		kinds[i].Examples, err = collect(query(ctx, db, "list lists that show nothing", func(s rowScanner) (l syncer.CountedList, err error) {
			err = s.Scan(&l.Owner.Type, &l.Owner.ID, &l.Counted)
			return l, err
		}, `SELECT owner_type, owner_id, counted FROM live_counts WHERE kind = ? AND shown = 0
			ORDER BY counted DESC, owner_type, owner_id LIMIT ?`, kinds[i].Kind, countExamples))
		if err != nil {
			return nil, err
		}
	}
	return kinds, nil
}

// Kinds implements [syncer.Queue].
func (db *DB) Kinds(ctx context.Context) ([]syncer.KindProgress, error) {
	return collect(query(ctx, db, "sum up lists", func(s rowScanner) (k syncer.KindProgress, err error) {
		err = s.Scan(&k.Kind, &k.Label, &k.Lists, &k.Complete, &k.Rows, &k.Total, &k.PagesDone, &k.PagesOpen)
		return k, err
	}, `SELECT kind, max(label), count(*), sum(open = 0 AND settled), sum(seen), sum(total),
		coalesce(sum(t.done), 0), sum(open)
		FROM lists LEFT JOIN (SELECT list, sum(done) AS done FROM tokens GROUP BY list) t ON t.list = lists.id
		GROUP BY kind ORDER BY min(id)`))
}

package c1z

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/encoding/protowire"
)

// GrantEdge is what [rows.ScanGrants] tells of a grant. Its slices are only good
// until the function that was given it returns.
type GrantEdge struct {
	ID, Entitlement []byte
	// ResourceType and Resource are those of the entitlement.
	ResourceType, Resource   []byte
	PrincipalType, Principal []byte
	// Sources are the ids of the entitlements that the grant comes from.
	Sources [][]byte
	// Immutable and Expandable say that the grant has the annotation.
	Immutable, Expandable bool
	// Metadata is the GrantMetadata annotation, serialized; nil for none.
	Metadata []byte
}

// scanRanges is into how many runs of row ids the grants of a scan are cut for each
// worker, so that none is left with a long one at the end.
const scanRanges = 16

// ScanGrants reads all grants of a sync as fast as can be: several workers read
// runs of rows side by side, and of a message only the fields of [GrantEdge] are
// decoded. The function is called with the number of the worker, from 0, and never
// twice at once for the same worker; the order of rows is kept within a run only. An
// error of it ends the scan and is returned as it is.
func (r *sqliteRows) ScanGrants(ctx context.Context, syncID string, workers int, edge func(worker int, g *GrantEdge) error) error {
	src := r.source(&r.schema.grants)
	if !src.exists {
		return nil
	}
	first, last, err := r.rowIDs(ctx, src, syncID)
	if err != nil || last < first {
		return r.fail(err)
	}
	ranges := make(chan [2]int64)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(ranges)
		step := max(uint64(last-first)/uint64(workers*scanRanges), pageRows) //nolint:gosec // The difference of two ids fits, whatever they are.
		for from := first; ; from += int64(step) + 1 {                       //nolint:gosec // It stays below last.
			to := last
			if uint64(last-from) > step { //nolint:gosec // As above.
				to = from + int64(step) //nolint:gosec // It stays below last.
			}
			select {
			case ranges <- [2]int64{from, to}:
			case <-ctx.Done():
				return ctx.Err()
			}
			if to == last {
				return nil
			}
		}
	})
	for worker := range workers {
		group.Go(func() error {
			s := grantScan{r: r, src: src, syncID: syncID, edge: func(g *GrantEdge) error { return edge(worker, g) }}
			for run := range ranges {
				if err := s.run(ctx, run[0], run[1]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// rowIDs returns the first and the last row of a sync, the last before the first
// when it has none.
func (r *sqliteRows) rowIDs(ctx context.Context, src source, syncID string) (first, last int64, err error) {
	conn, err := r.conn(ctx)
	if err != nil {
		return 0, 0, err
	}
	defer conn.Close()
	for _, end := range []struct {
		order string
		id    *int64
	}{{"", &first}, {" desc", &last}} {
		query := fmt.Sprintf("select id from %s where +sync_id = ? order by id%s limit 1", src.table.name, end.order) //nolint:gosec // Both are names of ours.
		err := conn.QueryRowContext(ctx, query, syncID).Scan(end.id)
		if errors.Is(err, sql.ErrNoRows) {
			return 0, -1, nil
		}
		if err != nil {
			return 0, 0, err
		}
	}
	return first, last, nil
}

// callerError keeps an error of the caller's function apart from what is wrong with
// the file.
type callerError struct{ error }

// grantScan is one worker of a scan.
type grantScan struct {
	r      *sqliteRows
	src    source
	syncID string
	edge   func(*GrantEdge) error
	// wide says that messages without their ends were met, so that the columns are
	// read too.
	wide bool
	g    GrantEdge
	data sql.RawBytes
	cols [5]sql.RawBytes
}

// run reads the rows from one id to another. No result is kept open for long, so
// that closing the reader does not wait.
func (s *grantScan) run(ctx context.Context, from, to int64) error {
	for {
		next, done, err := s.page(ctx, from, to)
		if own, ok := errors.AsType[callerError](err); ok {
			return own.error
		}
		if err != nil {
			return s.r.fail(err)
		}
		if done {
			return nil
		}
		from = next
	}
}

// scanRows is how many rows of a scan are read by one query.
const scanRows = 20_000

// page reads some rows and returns where to go on.
func (s *grantScan) page(ctx context.Context, from, to int64) (next int64, done bool, err error) {
	columns := []string{"id", "data", s.src.column("expansion") + " is not null"}
	if s.wide {
		for _, c := range grantColumns()[2:] {
			columns = append(columns, s.src.column(c))
		}
	}
	conn, err := s.r.conn(ctx)
	if err != nil {
		return 0, false, err
	}
	defer conn.Close()
	rows, err := conn.QueryContext(ctx, fmt.Sprintf("select %s from %s where id between ? and ? and +sync_id = ? order by id limit %d",
		strings.Join(columns, ", "), s.src.table.name, scanRows), from, to, s.syncID)
	if err != nil {
		return 0, false, place(ctx, conn, s.src.table, err)
	}
	defer rows.Close()
	var id int64
	n := 0
	dest := []any{&id, &s.data, &s.g.Expandable}
	if s.wide {
		for i := range s.cols {
			dest = append(dest, &s.cols[i])
		}
	}
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return 0, false, err
		}
		slim, err := s.decode()
		if err != nil {
			return 0, false, inRow(s.src.table, id, err)
		}
		if slim && !s.wide {
			s.wide = true
			return id, false, nil
		}
		if err := s.edge(&s.g); err != nil {
			return 0, false, callerError{err}
		}
		n++
	}
	if err := rows.Err(); err != nil {
		return 0, false, place(ctx, conn, s.src.table, errors.Join(err, rows.Close()))
	}
	return id + 1, n < scanRows || id >= to, nil
}

// decode takes the message apart and fills in from the columns what it leaves out.
// It reports whether it left something out.
func (s *grantScan) decode() (slim bool, err error) {
	expandable := s.g.Expandable
	s.g = GrantEdge{Expandable: expandable, Sources: s.g.Sources[:0]}
	if err := s.g.decode(s.data); err != nil {
		return false, fmt.Errorf("decode Grant: %w", err)
	}
	noEntitlement, noPrincipal := s.g.Entitlement == nil, s.g.PrincipalType == nil && s.g.Principal == nil
	if noEntitlement {
		s.g.Entitlement, s.g.ResourceType, s.g.Resource = s.cols[0], s.cols[1], s.cols[2]
	}
	if noPrincipal {
		s.g.PrincipalType, s.g.Principal = s.cols[3], s.cols[4]
	}
	return noEntitlement || noPrincipal, s.g.check()
}

// check refuses ids that no grant can have.
func (g *GrantEdge) check() error {
	for _, id := range [][]byte{g.Entitlement, g.ResourceType, g.Resource, g.PrincipalType, g.Principal} {
		if len(id) > maxID {
			return tooLong("ID", len(id), maxID)
		}
	}
	for _, id := range g.Sources {
		if len(id) > maxID {
			return tooLong("entitlement ID of a source", len(id), maxID)
		}
	}
	if len(g.ID) > maxKey {
		return tooLong("grant ID", len(g.ID), maxKey)
	}
	return nil
}

// immutableURL is the type of the annotation of grants that cannot be revoked.
const immutableURL = "type.googleapis.com/c1.connector.v2.GrantImmutable"

// metadataURL is the type of the annotation with what a connector tells about a grant.
const metadataURL = "type.googleapis.com/c1.connector.v2.GrantMetadata"

// MetadataText is a text of the grant's metadata; nil where there is none of that name. It
// is not checked to be valid UTF-8.
func (g *GrantEdge) MetadataText(key string) (text []byte, err error) {
	if g.Metadata == nil {
		return nil, nil
	}
	// By the numbers of the fields: GrantMetadata.metadata, Struct.fields, an entry of it.
	err = eachField(g.Metadata, func(n protowire.Number, v []byte) error {
		if n != 1 {
			return nil
		}
		return eachField(v, func(n protowire.Number, v []byte) error {
			if n != 1 {
				return nil
			}
			var name, value []byte
			err := firstFields(v, &name, &value)
			if err != nil || string(name) != key {
				return err
			}
			return eachField(value, func(n protowire.Number, v []byte) error {
				if n == 3 { // Value.string_value
					text = v
				}
				return nil
			})
		})
	})
	if err != nil {
		return nil, fmt.Errorf("decode GrantMetadata: %w", err)
	}
	return text, nil
}

// decode reads the fields of a Grant by their numbers in c1/connector/v2/grant.proto.
func (g *GrantEdge) decode(data []byte) error {
	return eachField(data, func(n protowire.Number, v []byte) error {
		switch n {
		case 1: // entitlement
			return g.decodeEntitlement(v)
		case 2: // principal
			return eachField(v, func(n protowire.Number, v []byte) error {
				if n != 1 {
					return nil
				}
				return firstFields(v, &g.PrincipalType, &g.Principal)
			})
		case 3:
			g.ID = v
		case 4: // annotations
			return g.decodeAnnotation(v)
		case 5: // sources
			return eachField(v, func(n protowire.Number, v []byte) error {
				if n != 1 {
					return nil
				}
				source := []byte{}
				err := eachField(v, func(n protowire.Number, v []byte) error {
					if n == 1 {
						source = v
					}
					return nil
				})
				g.Sources = append(g.Sources, source)
				return err
			})
		}
		return nil
	})
}

// decodeAnnotation reads an Any.
func (g *GrantEdge) decodeAnnotation(data []byte) error {
	var url, value []byte
	err := firstFields(data, &url, &value)
	switch string(url) {
	case immutableURL:
		g.Immutable = true
	case expandableURL:
		g.Expandable = true
	case metadataURL:
		g.Metadata = value
	}
	return err
}

func (g *GrantEdge) decodeEntitlement(data []byte) error {
	g.Entitlement = data[:0]
	return eachField(data, func(n protowire.Number, v []byte) error {
		switch n {
		case 1: // resource
			return eachField(v, func(n protowire.Number, v []byte) error {
				if n != 1 {
					return nil
				}
				return firstFields(v, &g.ResourceType, &g.Resource)
			})
		case 2:
			g.Entitlement = v
		}
		return nil
	})
}

// firstFields reads the first two fields of a message: a ResourceId, an Any, or an entry of
// a map.
func firstFields(data []byte, first, second *[]byte) error {
	return eachField(data, func(n protowire.Number, v []byte) error {
		switch n {
		case 1:
			*first = v
		case 2:
			*second = v
		}
		return nil
	})
}

// eachField calls field for each field of a message that has a length: strings,
// bytes and messages. Others are skipped.
func eachField(data []byte, field func(protowire.Number, []byte) error) error {
	for len(data) > 0 {
		number, kind, n := protowire.ConsumeTag(data)
		if n < 0 {
			return protowire.ParseError(n)
		}
		data = data[n:]
		if kind != protowire.BytesType {
			if n = protowire.ConsumeFieldValue(number, kind, data); n < 0 {
				return protowire.ParseError(n)
			}
			data = data[n:]
			continue
		}
		v, n := protowire.ConsumeBytes(data)
		if n < 0 {
			return protowire.ParseError(n)
		}
		data = data[n:]
		if err := field(number, v); err != nil {
			return err
		}
	}
	return nil
}

package sqlitefile

import (
	"bytes"
	"encoding/binary"
)

// The most bytes of a payload that stand in a cell of a table's leaf and in one
// of an index, and the fewest of a payload that does not fit (section 1.6, with
// 4096 usable bytes).
const (
	tableLocal = pageSize - 35
	indexLocal = (pageSize-12)*64/255 - 23
	leastLocal = (pageSize-12)*32/255 - 23
)

// local is how many bytes of a payload of n bytes stand in its cell, at most of
// which do if it fits.
func local(n, most int) int {
	if n <= most {
		return n
	}
	if k := leastLocal + (n-leastLocal)%(pageSize-4); k <= most {
		return k
	}
	return leastLocal
}

// appendPayload appends a payload as a cell has it: what is local of it, and the
// number of the page where the rest begins.
func (p *pager) appendPayload(cell, payload []byte, most int) ([]byte, error) {
	n := local(len(payload), most)
	cell = append(cell, payload[:n]...)
	if n == len(payload) {
		return cell, nil
	}
	first, err := p.overflow(payload[n:])
	if err != nil {
		return nil, err
	}
	return binary.BigEndian.AppendUint32(cell, first), nil
}

// interior is the pages of one level above the leaves. It is told of its children
// from left to right, each with what divides it from the next one: the last row
// id of the child in a table, the cell between the two in an index.
type interior struct {
	p     *pager
	kind  byte
	page  page
	above *interior
	// A child that found no room any more becomes the last one of its page when
	// another follows. If none does, it must not be left alone on a page without
	// cells.
	spare      []byte
	spareChild uint32
	full       bool
}

func newInterior(p *pager, kind byte) *interior {
	i := &interior{p: p, kind: kind}
	i.page.reset(kind, 0)
	return i
}

// clone copies this level and those above it.
func (i *interior) clone() *interior {
	if i == nil {
		return nil
	}
	c := *i
	c.above, c.spare = i.above.clone(), bytes.Clone(i.spare)
	return &c
}

// push adds a child that another one follows.
func (i *interior) push(child uint32, divider []byte) error {
	if i.full {
		if err := i.flush(i.spareChild, i.spare); err != nil {
			return err
		}
		i.full = false
	}
	if !i.page.fits(4 + len(divider)) {
		i.full = true
		i.spareChild = child
		i.spare = append(i.spare[:0], divider...)
		return nil
	}
	i.page.add(binary.BigEndian.AppendUint32(nil, child), divider)
	return nil
}

// flush writes the page with its last child and tells the level above.
func (i *interior) flush(right uint32, divider []byte) error {
	n, err := i.p.append(i.page.finish(right))
	if err != nil {
		return err
	}
	i.page.reset(i.kind, 0)
	if i.above == nil {
		i.above = newInterior(i.p, i.kind)
	}
	return i.above.push(n, divider)
}

// finish adds the last child and returns the root of the tree.
func (i *interior) finish(last uint32) (uint32, error) {
	if i.full {
		cell := i.page.pop()
		if err := i.flush(binary.BigEndian.Uint32(cell), cell[4:]); err != nil {
			return 0, err
		}
		i.page.add(binary.BigEndian.AppendUint32(nil, i.spareChild), i.spare)
	}
	n, err := i.p.append(i.page.finish(last))
	if err != nil || i.above == nil {
		return n, err
	}
	return i.above.finish(n)
}

// tableTree is the b-tree of a table, whose rows come in the order of their ids.
type tableTree struct {
	p     *pager
	leaf  page
	last  int64
	above *interior
	cell  []byte
}

func newTableTree(p *pager) *tableTree {
	t := &tableTree{p: p}
	t.leaf.reset(tableLeaf, 0)
	return t
}

func (t *tableTree) add(id int64, record []byte) error {
	t.cell = appendVarint(t.cell[:0], uint64(len(record)))
	t.cell = appendVarint(t.cell, uint64(id))
	var err error
	if t.cell, err = t.p.appendPayload(t.cell, record, tableLocal); err != nil {
		return err
	}
	if !t.leaf.fits(len(t.cell)) {
		n, err := t.p.append(t.leaf.finish(0))
		if err != nil {
			return err
		}
		if t.above == nil {
			t.above = newInterior(t.p, tableInterior)
		}
		if err := t.above.push(n, appendVarint(nil, uint64(t.last))); err != nil {
			return err
		}
		t.leaf.reset(tableLeaf, 0)
	}
	t.leaf.add(t.cell, nil)
	t.last = id
	return nil
}

// clone is a tree that can be filled on its own.
func (t *tableTree) clone() *tableTree {
	c := *t
	c.above, c.cell = t.above.clone(), nil
	return &c
}

// finish returns the root.
func (t *tableTree) finish() (uint32, error) {
	n, err := t.p.append(t.leaf.finish(0))
	if err != nil || t.above == nil {
		return n, err
	}
	return t.above.finish(n)
}

// indexTree is the b-tree of an index, whose keys come in order. Unlike a
// table's, its interior pages hold keys that stand in no leaf.
type indexTree struct {
	p     *pager
	leaf  page
	above *interior
	cell  []byte
	// A key that found no room any more divides its leaf from the next one when
	// another key follows.
	spare []byte
	full  bool
}

func newIndexTree(p *pager) *indexTree {
	t := &indexTree{p: p}
	t.leaf.reset(indexLeaf, 0)
	return t
}

func (t *indexTree) add(record []byte) error {
	t.cell = appendVarint(t.cell[:0], uint64(len(record)))
	var err error
	if t.cell, err = t.p.appendPayload(t.cell, record, indexLocal); err != nil {
		return err
	}
	if t.full {
		if err := t.flush(t.spare); err != nil {
			return err
		}
		t.full = false
	}
	if !t.leaf.fits(len(t.cell)) {
		t.full = true
		t.spare = append(t.spare[:0], t.cell...)
		return nil
	}
	t.leaf.add(t.cell, nil)
	return nil
}

func (t *indexTree) flush(divider []byte) error {
	n, err := t.p.append(t.leaf.finish(0))
	if err != nil {
		return err
	}
	t.leaf.reset(indexLeaf, 0)
	if t.above == nil {
		t.above = newInterior(t.p, indexInterior)
	}
	return t.above.push(n, divider)
}

// finish returns the root.
func (t *indexTree) finish() (uint32, error) {
	if t.full {
		if err := t.flush(t.leaf.pop()); err != nil {
			return 0, err
		}
		t.leaf.add(t.spare, nil)
	}
	n, err := t.p.append(t.leaf.finish(0))
	if err != nil || t.above == nil {
		return n, err
	}
	return t.above.finish(n)
}

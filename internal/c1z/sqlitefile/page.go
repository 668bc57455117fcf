package sqlitefile

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"os"
)

const (
	pageSize = 4096
	// fileHeader are the bytes of page 1 before its b-tree header (section 1.3).
	fileHeader = 100
	// lockPage is the page with the byte at 1 GiB, which SQLite locks and never
	// uses (section 1.4).
	lockPage = 1<<30/pageSize + 1
)

// The kinds of b-tree page (section 1.6).
const (
	indexInterior = 0x02
	tableInterior = 0x05
	indexLeaf     = 0x0a
	tableLeaf     = 0x0d
)

// pager appends pages to a file, page 1 excepted, for which it leaves room.
type pager struct {
	w    *bufio.Writer
	next uint32 // the number of the page that is appended next
	lock uint32 // lockPage, but for tests
}

func newPager(w io.Writer) (*pager, error) {
	p := &pager{w: bufio.NewWriterSize(w, 1<<20), next: 1, lock: lockPage}
	_, err := p.append(make([]byte, pageSize))
	return p, err
}

// append writes a page and returns its number.
func (p *pager) append(page []byte) (uint32, error) {
	n := p.next
	if n >= 1<<32-3 {
		return 0, errors.New("the database has too many pages")
	}
	if _, err := p.w.Write(page); err != nil {
		return 0, err
	}
	p.next = n + 1
	if p.next == p.lock {
		if _, err := p.w.Write(make([]byte, pageSize)); err != nil {
			return 0, err
		}
		p.next++
	}
	return n, nil
}

// reset goes on with page next in the file that the pages were written to.
func (p *pager) reset(f *os.File, next uint32) error {
	size := int64(next-1) * pageSize
	if err := p.w.Flush(); err != nil {
		return err
	}
	if err := f.Truncate(size); err != nil {
		return err
	}
	if _, err := f.Seek(size, io.SeekStart); err != nil {
		return err
	}
	p.next = next
	return nil
}

// after is the number of the page that is appended after page n.
func (p *pager) after(n uint32) uint32 {
	if n+1 == p.lock {
		return n + 2
	}
	return n + 1
}

// overflow writes the rest of a payload that its cell has no room for as a chain
// of pages, and returns the number of the first (section 1.6.1).
func (p *pager) overflow(rest []byte) (uint32, error) {
	first := p.next
	var page [pageSize]byte
	for len(rest) > 0 {
		n := copy(page[4:], rest)
		rest = rest[n:]
		clear(page[4+n:])
		next := uint32(0)
		if len(rest) > 0 {
			next = p.after(p.next)
		}
		binary.BigEndian.PutUint32(page[:], next)
		if _, err := p.append(page[:]); err != nil {
			return 0, err
		}
	}
	return first, nil
}

// page is a b-tree page that is being filled. Cells are kept in the order in
// which they are added.
type page struct {
	buf   [pageSize]byte
	head  int // where the pointers to cells begin
	base  int // where the b-tree header begins: 0, but on page 1
	cells int
	start int // where the content begins, growing downwards
}

func (p *page) reset(kind byte, base int) {
	clear(p.buf[:])
	p.base = base
	p.head = base + 8
	if kind == indexInterior || kind == tableInterior {
		p.head = base + 12
	}
	p.cells = 0
	p.start = pageSize
	p.buf[base] = kind
}

// fits reports whether a cell of n bytes finds room.
func (p *page) fits(n int) bool { return p.head+2*(p.cells+1)+n <= p.start }

// add adds a cell of two parts.
func (p *page) add(first, second []byte) {
	p.start -= len(first) + len(second)
	copy(p.buf[p.start:], first)
	copy(p.buf[p.start+len(first):], second)
	binary.BigEndian.PutUint16(p.buf[p.head+2*p.cells:], uint16(p.start))
	p.cells++
}

// pop takes the last cell back.
func (p *page) pop() []byte {
	end := pageSize
	if p.cells > 1 {
		end = int(binary.BigEndian.Uint16(p.buf[p.head+2*(p.cells-2):]))
	}
	cell := append([]byte(nil), p.buf[p.start:end]...)
	clear(p.buf[p.start:end])
	p.start = end
	p.cells--
	binary.BigEndian.PutUint16(p.buf[p.head+2*p.cells:], 0)
	return cell
}

// finish completes the header. Right is the last child of an interior page.
func (p *page) finish(right uint32) []byte {
	binary.BigEndian.PutUint16(p.buf[p.base+3:], uint16(p.cells))
	binary.BigEndian.PutUint16(p.buf[p.base+5:], uint16(p.start))
	if p.head == p.base+12 {
		binary.BigEndian.PutUint32(p.buf[p.base+8:], right)
	}
	return p.buf[:]
}

// Package spillsort sorts keys of any number in little memory: what does not fit is
// sorted in runs, spilled into a folder, and merged in the end.
package spillsort

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
)

// entry is a key in an arena. Prefix holds the first bytes behind what all keys
// of the arena begin with, which decides most comparisons.
type entry struct {
	prefix     uint64
	start, end uint32
}

// arena is keys that are sorted together.
type arena struct {
	bytes   []byte
	entries []entry
}

func (a *arena) add(key []byte) {
	start := len(a.bytes)
	a.bytes = append(a.bytes, key...)
	a.entries = append(a.entries, entry{start: uint32(start), end: uint32(len(a.bytes))})
}

func (a *arena) reset() {
	a.bytes = a.bytes[:0]
	a.entries = a.entries[:0]
}

func (a *arena) key(e entry) []byte { return a.bytes[e.start:e.end] }

func (a *arena) compare(x, y entry) int {
	if x.prefix != y.prefix {
		if x.prefix < y.prefix {
			return -1
		}
		return 1
	}
	return bytes.Compare(a.key(x), a.key(y))
}

// sort sorts the keys. Rows mostly come entitlement by entitlement, so that the
// keys of most indexes are few long runs, each in order already: those are only
// put in order themselves, when they do not overlap.
func (a *arena) sort() {
	a.setPrefixes()
	var runs [][]entry
	begin := 0
	for i := 1; i <= len(a.entries); i++ {
		if i == len(a.entries) || a.compare(a.entries[i-1], a.entries[i]) > 0 {
			runs = append(runs, a.entries[begin:i])
			begin = i
		}
	}
	if len(runs) <= 1 {
		return
	}
	if len(runs) <= len(a.entries)/8 {
		slices.SortFunc(runs, func(x, y []entry) int { return a.compare(x[0], y[0]) })
		overlap := false
		for i := 1; i < len(runs) && !overlap; i++ {
			overlap = a.compare(runs[i-1][len(runs[i-1])-1], runs[i][0]) > 0
		}
		if !overlap {
			a.entries = slices.Concat(runs...)
			return
		}
	}
	slices.SortFunc(a.entries, a.compare)
}

func (a *arena) setPrefixes() {
	if len(a.entries) == 0 {
		return
	}
	first := a.key(a.entries[0])
	shared := len(first)
	for _, e := range a.entries[1:] {
		shared = commonPrefix(first[:shared], a.key(e))
	}
	for i, e := range a.entries {
		rest := a.key(e)[shared:]
		if len(rest) >= 8 {
			a.entries[i].prefix = binary.BigEndian.Uint64(rest)
			continue
		}
		var padded [8]byte
		copy(padded[:], rest)
		a.entries[i].prefix = binary.BigEndian.Uint64(padded[:])
	}
}

func commonPrefix(a, b []byte) int {
	n := min(len(a), len(b))
	i := 0
	for ; i+8 <= n; i += 8 {
		if binary.LittleEndian.Uint64(a[i:]) != binary.LittleEndian.Uint64(b[i:]) {
			break
		}
	}
	for i < n && a[i] == b[i] {
		i++
	}
	return i
}

// Sorter sorts keys of any number in little memory: when an arena is full, it is
// sorted and spilled in the background, and the runs are merged in the end.
type Sorter struct {
	dir   string
	limit int // bytes of an arena
	slots chan struct{}

	current, idle *arena
	spilling      chan error // holds the result of the spill under way
	file          *os.File
	size          int64
	runs          []span
	keys          int64 // added in all
}

// span is a run in the file.
type span struct{ start, end int64 }

// ErrLost is the error for a sort that gives back other keys than it was given.
var ErrLost = errors.New("a sort file is incomplete")

// New makes a Sorter whose spills go into a folder. Slots bound how many
// sorters work in the background at once.
func New(dir string, limit int, slots chan struct{}) *Sorter {
	return &Sorter{dir: dir, limit: limit, slots: slots, current: new(arena), idle: new(arena)}
}

// Add takes a key, which it copies.
func (s *Sorter) Add(key []byte) error {
	s.current.add(key)
	s.keys++
	if len(s.current.bytes)+16*len(s.current.entries) < s.limit {
		return nil
	}
	return s.flush()
}

// flush begins to spill what is in memory.
func (s *Sorter) flush() error {
	if err := s.wait(); err != nil {
		return err
	}
	full := s.current
	s.current, s.idle = s.idle, nil
	s.spilling = make(chan error, 1)
	go func() {
		s.slots <- struct{}{}
		defer func() { <-s.slots }()
		s.spilling <- s.spill(full)
	}()
	return nil
}

// wait waits for the spill under way.
func (s *Sorter) wait() error {
	if s.spilling == nil {
		return nil
	}
	err := <-s.spilling
	s.spilling = nil
	return err
}

// spill sorts an arena and appends it to the file, each key as what it shares
// with the one before and the rest.
func (s *Sorter) spill(a *arena) error {
	a.sort()
	if s.file == nil {
		f, err := os.CreateTemp(s.dir, "sort-*")
		if err != nil {
			return fmt.Errorf("spill a sort: %w", err)
		}
		s.file = f
	}
	out := bufio.NewWriterSize(s.file, 128<<10)
	written := int64(0)
	var head [2 * binary.MaxVarintLen32]byte
	var last []byte
	for _, e := range a.entries {
		key := a.key(e)
		shared := commonPrefix(last, key)
		n := binary.PutUvarint(head[:], uint64(shared))
		n += binary.PutUvarint(head[n:], uint64(len(key)-shared))
		// The writer keeps its first error for Flush.
		out.Write(head[:n])
		out.Write(key[shared:])
		written += int64(n + len(key) - shared)
		last = key
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("spill a sort: %w", err)
	}
	s.runs = append(s.runs, span{start: s.size, end: s.size + written})
	s.size += written
	a.reset()
	s.idle = a
	return nil
}

// Mark is a Sorter as it was.
type Mark struct {
	runs int
	size int64
	keys int64
}

// Mark spills what is in memory and remembers what was added so far.
func (s *Sorter) Mark() (Mark, error) {
	if len(s.current.entries) > 0 {
		if err := s.flush(); err != nil {
			return Mark{}, err
		}
	}
	if err := s.wait(); err != nil {
		return Mark{}, err
	}
	return Mark{runs: len(s.runs), size: s.size, keys: s.keys}, nil
}

// Reset forgets what was added since a mark.
func (s *Sorter) Reset(m Mark) error {
	if err := s.wait(); err != nil {
		return err
	}
	s.current.reset()
	s.runs, s.size, s.keys = s.runs[:m.runs], m.size, m.keys
	if s.file == nil {
		return nil
	}
	if _, err := s.file.Seek(m.size, io.SeekStart); err != nil {
		return fmt.Errorf("spill a sort: %w", err)
	}
	return nil
}

// Close removes the file.
func (s *Sorter) Close() error {
	err := s.wait()
	if s.file == nil {
		return err
	}
	err = errors.Join(err, s.file.Close(), os.Remove(s.file.Name()))
	s.file = nil
	return err
}

// Each calls f with all keys in order. A key is valid during the call. Keys that
// come back in another number or order are an error: a file for temporary data can
// lose a part of itself to a full disk or to others.
func (s *Sorter) Each(f func([]byte) error) error {
	if err := s.wait(); err != nil {
		return err
	}
	var last []byte
	var n int64
	err := s.merged(func(key []byte) error {
		if n > 0 && bytes.Compare(last, key) > 0 {
			return ErrLost
		}
		n++
		last = append(last[:0], key...)
		return f(key)
	})
	if err == nil && n != s.keys {
		err = fmt.Errorf("%w: %d of %d keys are left", ErrLost, n, s.keys)
	}
	return err
}

func (s *Sorter) merged(f func([]byte) error) error {
	s.current.sort()
	if len(s.runs) == 0 {
		for _, e := range s.current.entries {
			if err := f(s.current.key(e)); err != nil {
				return err
			}
		}
		return nil
	}
	sources := []source{&arenaSource{arena: s.current}}
	for _, r := range s.runs {
		sources = append(sources, &runSource{
			r:    bufio.NewReaderSize(io.NewSectionReader(s.file, r.start, r.end-r.start), 16<<10),
			left: r.end - r.start,
		})
	}
	return merge(sources, f)
}

// source is a sorted run that is read. Next is io.EOF at its end; a key is valid
// until the next one.
type source interface{ next() ([]byte, error) }

type arenaSource struct {
	arena *arena
	at    int
}

func (a *arenaSource) next() ([]byte, error) {
	if a.at == len(a.arena.entries) {
		return nil, io.EOF
	}
	a.at++
	return a.arena.key(a.arena.entries[a.at-1]), nil
}

// runSource reads a run of which so many bytes are left.
type runSource struct {
	r    *bufio.Reader
	left int64
	key  []byte
}

func (s *runSource) next() ([]byte, error) {
	if s.left == 0 {
		return nil, io.EOF
	}
	shared, err := s.length()
	if err != nil {
		return nil, err
	}
	rest, err := s.length()
	if err != nil {
		return nil, err
	}
	if shared > int64(len(s.key)) || rest > s.left {
		return nil, ErrLost
	}
	s.key = slices.Grow(s.key[:shared], int(rest))[:shared+rest]
	if _, err := io.ReadFull(s.r, s.key[shared:]); err != nil {
		return nil, lost(err)
	}
	s.left -= rest
	return s.key, nil
}

// length reads a number and counts its bytes.
func (s *runSource) length() (int64, error) {
	n, err := binary.ReadUvarint(s.r)
	if err != nil {
		return 0, lost(err)
	}
	if n > math.MaxInt32 {
		return 0, ErrLost
	}
	for rest := n; ; rest >>= 7 {
		if s.left--; s.left < 0 {
			return 0, ErrLost
		}
		if rest < 0x80 {
			return int64(n), nil
		}
	}
}

// lost makes the end of a file within a run what it is.
func lost(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return ErrLost
	}
	return err
}

// head is a source with its next key.
type head struct {
	key []byte
	src source
}

// merge calls f with the keys of all sources in order.
func merge(sources []source, f func([]byte) error) error {
	var heap []head
	for _, src := range sources {
		key, err := src.next()
		if errors.Is(err, io.EOF) {
			continue
		}
		if err != nil {
			return fmt.Errorf("read a spilled sort: %w", err)
		}
		heap = append(heap, head{key: key, src: src})
	}
	for i := len(heap)/2 - 1; i >= 0; i-- {
		sink(heap, i)
	}
	for len(heap) > 0 {
		if err := f(heap[0].key); err != nil {
			return err
		}
		key, err := heap[0].src.next()
		switch {
		case err == nil:
			heap[0].key = key
		case errors.Is(err, io.EOF):
			heap[0] = heap[len(heap)-1]
			heap = heap[:len(heap)-1]
		default:
			return fmt.Errorf("read a spilled sort: %w", err)
		}
		sink(heap, 0)
	}
	return nil
}

// sink moves a head down to where it belongs. One that stays the smallest, as
// long runs mostly do, costs two comparisons.
func sink(heap []head, i int) {
	for {
		least := i
		for _, child := range [2]int{2*i + 1, 2*i + 2} {
			if child < len(heap) && bytes.Compare(heap[child].key, heap[least].key) < 0 {
				least = child
			}
		}
		if least == i {
			return
		}
		heap[i], heap[least] = heap[least], heap[i]
		i = least
	}
}

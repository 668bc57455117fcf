package pebblestore

import (
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2/record"
)

// checkRecords looks at the lengths in the records of a manifest or of a log, for which
// Pebble takes memory before it reads what they are of. Whatever else is wrong with a
// record, Pebble says.
func checkRecords(path string) error {
	check, number := checkEdit, uint64(0)
	if digits, ok := strings.CutSuffix(filepath.Base(path), ".log"); ok {
		check = checkBatch
		number, _ = strconv.ParseUint(digits, 10, 64) // What is no number, Pebble takes for no log.
	}
	f, err := os.Open(path) //nolint:gosec // It is in a folder of ours.
	if err != nil {
		return err
	}
	defer f.Close()
	records := recordsOf(record.NewReader, f, number)
	for {
		r, err := records.Next()
		if err != nil {
			return nil // The end, or what Pebble says.
		}
		content, err := io.ReadAll(r)
		if err != nil {
			return nil
		}
		if err := check(content); err != nil {
			return err
		}
	}
}

// recordsOf calls a function whose type of numbers has no name outside Pebble.
func recordsOf[N ~uint64](open func(io.Reader, N) *record.Reader, r io.Reader, number uint64) *record.Reader {
	return open(r, N(number))
}

// checkBatch checks a record of a log: a header with a count of rows, then the rows,
// each of two bytes and more.
func checkBatch(content []byte) error {
	const header = 12
	if len(content) >= header && int(binary.LittleEndian.Uint32(content[8:])) > len(content)-header {
		return damaged("a record of its log claims more rows than it has room for")
	}
	return nil
}

// What follows the tags of an edit in a manifest: u is a number, b are bytes behind their
// length, r says whether two keys follow that are not of ranges, and c are fields with
// tags of their own.
//
//nolint:gochecknoglobals // A constant, but for the language.
var edits = map[uint64]string{
	1: "b", 2: "u", 3: "u", 4: "u", 5: "ub", 6: "uu", 7: "uuubb", 9: "u",
	100: "uuubbuu", 102: "uuuubbuu", 103: "uuubbuuc", 104: "uuurbbuuc",
	105: "uu", 106: "u", 107: "uuuuu", 108: "uu",
}

// edit is what is left of a record of a manifest. After the first thing that cannot be
// read it is at its end.
type edit struct {
	*bytes.Reader
	large bool // whether a length was more than what is left
}

// checkEdit checks a record of a manifest.
func checkEdit(content []byte) error {
	e := &edit{Reader: bytes.NewReader(content)}
	for e.Len() > 0 {
		for _, what := range edits[e.number()] {
			switch what {
			case 'u':
				e.number()
			case 'b':
				e.skip(1)
			case 'r':
				if marker, err := e.ReadByte(); err == nil && marker&1 != 0 {
					e.skip(1)
					e.skip(1)
				}
			case 'c':
				e.fields()
			}
		}
	}
	if e.large {
		return damaged("a record of its manifest claims more bytes than it has")
	}
	return nil
}

// number reads a number.
func (e *edit) number() uint64 {
	n, err := binary.ReadUvarint(e)
	if err != nil {
		e.end()
	}
	return n
}

// end leaves out what is left.
func (e *edit) end() { e.Reset(nil) }

// skip leaves out so many things as a number says, each of some bytes and more.
func (e *edit) skip(size int) {
	n := e.number()
	if n > uint64(e.Len()/size) {
		e.large = true
		e.end()
		return
	}
	if size == 1 {
		_, _ = e.Seek(int64(n), io.SeekCurrent)
		return
	}
	for range n * uint64(size) {
		e.number()
	}
}

// The tags of fields that are not bytes behind their length.
const (
	fieldEnd     = 1
	fieldVirtual = 66
	fieldBlobs   = 69 // a depth, and how many pairs of numbers follow
)

func (e *edit) fields() {
	for e.Len() > 0 {
		switch e.number() {
		case fieldEnd:
			return
		case fieldVirtual:
			e.number()
		case fieldBlobs:
			e.number()
			e.skip(2)
		default:
			e.skip(1)
		}
	}
}

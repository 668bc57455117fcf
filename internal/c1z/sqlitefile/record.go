package sqlitefile

import (
	"bytes"
	"encoding/binary"
)

// appendVarint appends SQLite's variable-length integer: big-endian groups of
// seven bits, the ninth byte whole (section 1.6).
func appendVarint(b []byte, v uint64) []byte {
	switch {
	case v < 1<<7:
		return append(b, byte(v))
	case v < 1<<14:
		return append(b, byte(v>>7)|0x80, byte(v&0x7f))
	case v >= 1<<56:
		for shift := 57; shift >= 8; shift -= 7 {
			b = append(b, byte(v>>shift)|0x80)
		}
		return append(b, byte(v))
	}
	n := 3
	for v>>(7*n) > 0 {
		n++
	}
	for i := n - 1; i > 0; i-- {
		b = append(b, byte(v>>(7*i))|0x80)
	}
	return append(b, byte(v&0x7f))
}

// Serial types of values in a record (section 2.1).
const (
	serialNull = 0
	serialZero = 8
	serialOne  = 9
	serialBlob = 12
	serialText = 13
)

// field is a value of a row: its serial type and where it stands in the body.
type field struct {
	serial     uint64
	start, end int
}

// Row is the values of a row after the row id, in the order of the columns. It
// is used again after Reset.
type Row struct {
	body   []byte
	fields []field
	record []byte
}

// Reset takes all values out.
func (r *Row) Reset() {
	r.body = r.body[:0]
	r.fields = r.fields[:0]
}

func (r *Row) add(serial uint64, start int) {
	r.fields = append(r.fields, field{serial: serial, start: start, end: len(r.body)})
}

// Null adds no value.
func (r *Row) Null() { r.add(serialNull, len(r.body)) }

// Text adds a string.
func (r *Row) Text(s string) {
	start := len(r.body)
	r.body = append(r.body, s...)
	r.add(serialText+2*uint64(len(s)), start)
}

// Blob adds bytes.
func (r *Row) Blob(b []byte) {
	start := len(r.body)
	r.body = append(r.body, b...)
	r.add(serialBlob+2*uint64(len(b)), start)
}

// AppendBlob adds the bytes that a function appends to its argument.
func (r *Row) AppendBlob(f func([]byte) ([]byte, error)) error {
	start := len(r.body)
	body, err := f(r.body)
	if err != nil {
		return err
	}
	r.body = body
	r.add(serialBlob+2*uint64(len(body)-start), start)
	return nil
}

// Int adds an integer.
func (r *Row) Int(v int64) {
	start := len(r.body)
	serial, size := serialInt(v)
	r.body = appendInt(r.body, v, size)
	r.add(serial, start)
}

// IsNull reports whether value i is absent.
func (r *Row) IsNull(i int) bool { return r.fields[i].serial == serialNull }

// IsOne reports whether value i is the integer 1.
func (r *Row) IsOne(i int) bool { return r.fields[i].serial == serialOne }

// Size is how many bytes the values take.
func (r *Row) Size() int { return len(r.body) }

// serialInt is the smallest serial type that holds an integer, and the bytes that
// it takes in the body.
func serialInt(v int64) (serial uint64, size int) {
	if v == 0 || v == 1 {
		return serialZero + uint64(v), 0
	}
	for i, size := range [...]int{1, 2, 3, 4, 6} {
		if limit := int64(1) << (8*size - 1); v >= -limit && v < limit {
			return uint64(i + 1), size
		}
	}
	return 6, 8
}

// appendInt appends the last bytes of a big-endian integer.
func appendInt(b []byte, v int64, size int) []byte {
	for i := size - 1; i >= 0; i-- {
		b = append(b, byte(v>>(8*i)))
	}
	return b
}

// encode returns the record of the row, with a null where the row id belongs,
// which stands in the cell instead (section 2.3).
func (r *Row) encode() []byte {
	r.record = appendHeader(r.record[:0], serialNull, r.fields)
	r.record = append(r.record, r.body...)
	return r.record
}

// appendHeader appends a record's header: its size, itself counted, and the
// serial types of all values, the first one apart.
func appendHeader(b []byte, first uint64, fields []field) []byte {
	start := len(b)
	b = append(b, 0)
	b = appendVarint(b, first)
	for _, f := range fields {
		b = appendVarint(b, f.serial)
	}
	size := len(b) - start
	if size < 1<<7 {
		b[start] = byte(size)
		return b
	}
	// A header of more than 127 bytes has a size of two.
	b = append(b, 0)
	copy(b[start+2:], b[start+1:])
	binary.BigEndian.PutUint16(b[start:], uint16(size+1)&0x7f|uint16(size+1)>>7<<8|0x8000)
	return b
}

// Tags of the values in a sort key, in the order in which SQLite sorts them.
const (
	tagNull = 1
	tagInt  = 2
	tagText = 3
	tagBlob = 4
)

// appendKey appends a sort key: bytes that compare as the values of an index and
// the row id behind them do. Text and blobs end with two zeros, and a zero within
// them is followed by 0xff.
func (r *Row) appendKey(key []byte, columns []int, id int64) []byte {
	for _, c := range columns {
		if c == RowID {
			key = append(key, tagInt)
			key = binary.BigEndian.AppendUint64(key, uint64(id)^1<<63)
			continue
		}
		f := r.fields[c]
		value := r.body[f.start:f.end]
		switch {
		case f.serial == serialNull:
			key = append(key, tagNull)
		case f.serial < serialBlob:
			key = append(key, tagInt)
			key = binary.BigEndian.AppendUint64(key, uint64(intValue(f.serial, value))^1<<63)
		default:
			tag := byte(tagText)
			if f.serial&1 == 0 {
				tag = tagBlob
			}
			key = append(key, tag)
			for zero := bytes.IndexByte(value, 0); zero >= 0; zero = bytes.IndexByte(value, 0) {
				key = append(append(key, value[:zero+1]...), 0xff)
				value = value[zero+1:]
			}
			key = append(append(key, value...), 0, 0)
		}
	}
	return binary.BigEndian.AppendUint64(key, uint64(id)^1<<63)
}

// intValue decodes an integer of a serial type below 10.
func intValue(serial uint64, body []byte) int64 {
	if serial >= serialZero {
		return int64(serial - serialZero)
	}
	v := int64(int8(body[0]))
	for _, b := range body[1:] {
		v = v<<8 | int64(b)
	}
	return v
}

// keyDecoder turns sort keys into the records of an index.
type keyDecoder struct {
	body   []byte
	fields []field
	record []byte
}

// decode returns the record that a sort key stands for.
func (d *keyDecoder) decode(key []byte) []byte {
	d.body = d.body[:0]
	d.fields = d.fields[:0]
	for len(key) > 8 {
		start := len(d.body)
		tag := key[0]
		key = key[1:]
		switch tag {
		case tagNull:
			d.fields = append(d.fields, field{serial: serialNull})
		case tagInt:
			key = d.integer(key)
		default:
			for {
				zero := bytes.IndexByte(key, 0)
				last := key[zero+1] == 0
				if last {
					d.body = append(d.body, key[:zero]...)
				} else {
					d.body = append(d.body, key[:zero+1]...)
				}
				key = key[zero+2:]
				if last {
					break
				}
			}
			serial := serialBlob + 2*uint64(len(d.body)-start)
			if tag == tagText {
				serial++
			}
			d.fields = append(d.fields, field{serial: serial})
		}
	}
	d.integer(key)
	d.record = appendHeader(d.record[:0], d.fields[0].serial, d.fields[1:])
	d.record = append(d.record, d.body...)
	return d.record
}

func (d *keyDecoder) integer(key []byte) []byte {
	v := int64(binary.BigEndian.Uint64(key) ^ 1<<63)
	serial, size := serialInt(v)
	d.body = appendInt(d.body, v, size)
	d.fields = append(d.fields, field{serial: serial})
	return key[8:]
}

// first returns the first value of a sort key as text.
func (d *keyDecoder) first(key []byte) string {
	d.decode(key)
	return string(d.body[:min(int(max(d.fields[0].serial, serialBlob)-serialBlob)/2, len(d.body))])
}

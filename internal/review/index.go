package review

import (
	"bytes"
	"encoding/binary"
	"encoding/gob"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"strings"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	"github.com/conductorone/baton-jumpcloud/internal/review/search"
)

// indexMagic begins an index. Its number changes with whatever is kept in a [Sync].
const indexMagic = "baton-jumpcloud index 1\n"

// errIndex is an index that was cut off, damaged, or made by another version.
var errIndex = errors.New("the index is damaged, or another version made it")

// WriteIndex writes the sync as it is arranged in memory, for [ReadIndex] to read it
// without the archive. It is of use on one machine, to one version of the program.
func (s *Sync) WriteIndex(w io.Writer) error {
	run, err := encodeRun(s.Run)
	if err != nil {
		return err
	}
	sum := crc32.New(castagnoli())
	e := &encoder{w: io.MultiWriter(w, sum)}
	e.raw([]byte(indexMagic))
	e.bytes(run)
	e.count(len(s.types))
	for _, t := range s.types {
		e.text(t.ID)
		e.text(t.Name)
		e.number(int(t.Kind), t.Resources, t.Entitlements, t.Grants)
	}
	e.count(len(s.resources))
	for i := range s.resources {
		e.record(&s.resources[i])
	}
	e.count(len(s.entitlements))
	for i := range s.entitlements {
		e.entitlement(&s.entitlements[i])
	}
	writeInts(e, s.entStart)
	writeInts(e, s.principal)
	writeInts(e, s.flags)
	writeInts(e, s.sources)
	writeInts(e, s.via)
	e.count(len(s.ids))
	for _, id := range s.ids {
		e.number(int(id.grant))
		e.text(id.id)
	}
	e.count(len(s.uses))
	for _, u := range s.uses {
		e.number(int(u.grant), boolInt(u.used), int(u.at))
	}
	writeInts(e, s.heldStart)
	writeInts(e, s.held)
	for _, counts := range [][]Count{s.members, s.holdings} {
		e.count(len(counts))
		for _, c := range counts {
			e.number(c.All, c.Direct)
		}
	}
	e.count(len(s.layered))
	for _, is := range s.layered {
		e.number(boolInt(is))
	}
	for _, t := range []*search.Texts{s.resourceTexts, s.entitlementTexts} {
		all, start := t.Parts()
		e.bytes(all)
		writeInts(e, start)
	}
	e.flush()
	if e.err != nil {
		return e.err
	}
	_, err = w.Write(binary.LittleEndian.AppendUint32(nil, sum.Sum32()))
	return err
}

// ReadIndex makes a sync of what [Sync.WriteIndex] wrote, which has so many bytes.
func ReadIndex(r io.Reader, size int64) (*Sync, error) {
	body := size - crc32.Size
	if body < int64(len(indexMagic)) || body > maxHeld {
		return nil, errIndex
	}
	sum := crc32.New(castagnoli())
	var all strings.Builder // All texts are parts of it.
	all.Grow(int(body))
	if _, err := io.CopyN(io.MultiWriter(&all, sum), r, body); err != nil {
		return nil, fmt.Errorf("%w: %w", errIndex, err)
	}
	end := make([]byte, crc32.Size+1)
	if n, err := io.ReadFull(r, end); n != crc32.Size || !errors.Is(err, io.ErrUnexpectedEOF) || sum.Sum32() != binary.LittleEndian.Uint32(end) {
		return nil, errIndex
	}
	data, ok := strings.CutPrefix(all.String(), indexMagic)
	if !ok {
		return nil, errIndex
	}
	d := &decoder{data: data}
	s := new(Sync)
	if err := gob.NewDecoder(strings.NewReader(d.text())).Decode(&s.Run); err != nil {
		return nil, fmt.Errorf("%w: %w", errIndex, err)
	}
	s.types = make([]Type, d.count())
	for i := range s.types {
		s.types[i] = Type{ID: d.text(), Name: d.text(), Kind: Kind(d.number()), Resources: d.number(), Entitlements: d.number(), Grants: d.number()}
	}
	s.resources = make([]record, d.count())
	for i := range s.resources {
		s.resources[i] = d.record()
	}
	s.entitlements = make([]entitlement, d.count())
	for i := range s.entitlements {
		s.entitlements[i] = d.entitlement()
	}
	s.entStart, s.principal, s.flags = readInts[int32](d), readInts[Ref](d), readInts[flags](d)
	s.sources, s.via = readInts[uint32](d), readInts[EntRef](d)
	s.ids = make([]storedID, d.count())
	for i := range s.ids {
		s.ids[i] = storedID{int32(d.number()), d.text()}
	}
	s.uses = make([]storedUse, d.count())
	for i := range s.uses {
		s.uses[i] = storedUse{int32(d.number()), d.number() != 0, int64(d.number())}
	}
	s.heldStart, s.held = readInts[int32](d), readInts[int32](d)
	for _, counts := range []*[]Count{&s.members, &s.holdings} {
		*counts = make([]Count, d.count())
		for i := range *counts {
			(*counts)[i] = Count{d.number(), d.number()}
		}
	}
	s.layered = make([]bool, d.count())
	for i := range s.layered {
		s.layered[i] = d.number() != 0
	}
	for _, t := range []**search.Texts{&s.resourceTexts, &s.entitlementTexts} {
		*t = search.TextsOf(d.bytes(), readInts[int](d))
	}
	if d.failed || len(d.data) > 0 {
		return nil, errIndex
	}
	s.nameAll()
	return s, nil
}

func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

func encodeRun(run c1z.SyncRun) ([]byte, error) {
	var b bytes.Buffer
	err := gob.NewEncoder(&b).Encode(run)
	return b.Bytes(), err
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// encoder writes numbers in as few bytes as they take, and texts after their lengths.
type encoder struct {
	w   io.Writer
	buf []byte
	err error
}

// encoded is how many bytes are written at once.
const encoded = 1 << 16

func (e *encoder) flush() {
	if e.err == nil && len(e.buf) > 0 {
		_, e.err = e.w.Write(e.buf)
	}
	e.buf = e.buf[:0]
}

func (e *encoder) raw(b []byte) {
	if e.buf = append(e.buf, b...); len(e.buf) >= encoded {
		e.flush()
	}
}

func (e *encoder) number(list ...int) {
	for _, n := range list {
		e.buf = binary.AppendVarint(e.buf, int64(n))
	}
	if len(e.buf) >= encoded {
		e.flush()
	}
}

func (e *encoder) count(n int) { e.number(n) }

func (e *encoder) bytes(b []byte) {
	e.count(len(b))
	e.raw(b)
}

func (e *encoder) text(list ...string) {
	for _, s := range list {
		e.count(len(s))
		if e.buf = append(e.buf, s...); len(e.buf) >= encoded {
			e.flush()
		}
	}
}

func (e *encoder) texts(list []string) {
	e.count(len(list))
	e.text(list...)
}

func (e *encoder) time(t time.Time) {
	if t.IsZero() {
		e.number(math.MinInt64, 0)
		return
	}
	e.number(int(t.Unix()), t.Nanosecond())
}

func (e *encoder) record(m *record) {
	e.text(m.id, m.name)
	e.number(int(m.typ), int(m.kind), boolInt(m.missing), int(m.firstEnt), int(m.ents))
	e.bytes(m.profile)
	e.number(boolInt(m.account != nil))
	if a := m.account; a != nil {
		e.number(int(a.Status), int(a.MFA), int(a.SSO), boolInt(a.Admin))
		e.text(a.Details, a.Email, a.Login, a.Type, a.Manager, a.Department, a.Title)
		e.texts(a.Emails)
		e.texts(a.EmployeeIDs)
		e.time(a.Created)
		e.time(a.LastLogin)
	}
	e.number(boolInt(m.more != nil))
	if more := m.more; more != nil {
		e.text(more.description, more.icon, more.helpURL, more.parentType, more.parentID)
		e.texts(more.facts)
	}
}

func (e *encoder) entitlement(m *entitlement) {
	e.text(m.id, m.slug, m.name, m.description, m.purpose)
	e.number(int(m.resource), boolInt(m.immutable), boolInt(m.missing), m.holders.All, m.holders.Direct)
	e.texts(m.grantableTo)
}

// writeInts writes numbers of four bytes, which are read fast.
func writeInts[T ~int | ~int32 | ~uint32 | ~uint8](e *encoder, list []T) {
	e.count(len(list))
	for _, n := range list {
		if e.buf = binary.LittleEndian.AppendUint32(e.buf, uint32(n)); len(e.buf) >= encoded {
			e.flush()
		}
	}
}

// decoder reads what an encoder wrote. After a failure everything is empty.
type decoder struct {
	data   string
	failed bool
}

func (d *decoder) fail() {
	d.data, d.failed = "", true
}

// number reads a number as [binary.AppendVarint] writes it.
func (d *decoder) number() int {
	var n uint64
	for i := range min(len(d.data), binary.MaxVarintLen64) {
		b := d.data[i]
		n |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			d.data = d.data[i+1:]
			return int(int64(n>>1) ^ -int64(n&1))
		}
	}
	d.fail()
	return 0
}

// count is how many things follow, each of at least a byte.
func (d *decoder) count() int {
	n := d.number()
	if n < 0 || n > len(d.data) {
		d.fail()
		return 0
	}
	return n
}

func (d *decoder) text() string {
	n := d.count()
	s := d.data[:n]
	d.data = d.data[n:]
	return s
}

func (d *decoder) bytes() []byte {
	if s := d.text(); s != "" {
		return []byte(s)
	}
	return nil
}

func (d *decoder) texts() []string {
	n := d.count()
	if n == 0 {
		return nil
	}
	list := make([]string, n)
	for i := range list {
		list[i] = d.text()
	}
	return list
}

func (d *decoder) time() time.Time {
	seconds, ns := d.number(), d.number()
	if seconds == math.MinInt64 {
		return time.Time{}
	}
	return time.Unix(int64(seconds), int64(ns)).UTC()
}

func (d *decoder) record() record {
	m := record{
		id: d.text(), name: d.text(), typ: int32(d.number()), kind: Kind(d.number()), missing: d.number() != 0,
		firstEnt: EntRef(d.number()), ents: int32(d.number()), profile: d.bytes(),
	}
	if d.number() != 0 {
		m.account = &AccountInfo{
			Status: Status(d.number()), MFA: Tri(d.number()), SSO: Tri(d.number()), Admin: d.number() != 0,
			Details: d.text(), Email: d.text(), Login: d.text(), Type: d.text(), Manager: d.text(), Department: d.text(), Title: d.text(),
			Emails: d.texts(), EmployeeIDs: d.texts(), Created: d.time(), LastLogin: d.time(),
		}
	}
	if d.number() != 0 {
		m.more = &moreInfo{description: d.text(), icon: d.text(), helpURL: d.text(), parentType: d.text(), parentID: d.text(), facts: d.texts()}
	}
	return m
}

func (d *decoder) entitlement() entitlement {
	return entitlement{
		id: d.text(), slug: d.text(), name: d.text(), description: d.text(), purpose: d.text(),
		resource: Ref(d.number()), immutable: d.number() != 0, missing: d.number() != 0, holders: Count{d.number(), d.number()}, grantableTo: d.texts(),
	}
}

func readInts[T ~int | ~int32 | ~uint32 | ~uint8](d *decoder) []T {
	n := d.count()
	if n > len(d.data)/4 {
		d.fail()
		return nil
	}
	list := make([]T, n)
	for i := range list {
		b := d.data[4*i : 4*i+4]
		list[i] = T(uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24)
	}
	d.data = d.data[4*n:]
	return list
}

package review

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
)

// grantRow is a grant as it was read: its ends by the loader's numbers, and where
// its sources are in the arena of its worker, as in Sync.sources.
type grantRow struct {
	entitlement EntRef
	principal   Ref
	source      uint32
	flags       flags
}

// chunkRows is how many grants are kept in one piece, so that nothing large has to
// be copied when there are more.
const chunkRows = 1 << 16

// storedID is the id of a grant that follows no rule.
type storedID struct {
	grant int32
	id    string
}

// grants is what the workers of a loader have read.
type grants struct {
	workers []*grantWorker

	mu sync.Mutex // for what grants name and the archive has no row for
	// extraKeys and extraIDs are those, beside the loader's own maps, which are read
	// without a lock.
	extraKeys map[string]Ref
	extraIDs  map[string]EntRef
}

// grantWorker takes the grants of one goroutine.
type grantWorker struct {
	l      *loader
	chunks [][]grantRow
	rows   int
	via    []EntRef
	sets   map[string]uint32
	ids    []storedID
	uses   []storedUse

	// last is the entitlement of the grant before, which is often the next one's.
	lastID []byte
	last   EntRef
	// Of last: its resource, as ids of grants spell it.
	typ, id string

	key, text []byte
	set       []EntRef

	// grown is how many bytes were taken since they were last counted.
	grown int
}

// grownStep is after how many bytes a worker counts them.
const grownStep = 1 << 20

// maxSets bounds the sets of sources that a worker compares new ones with.
const maxSets = 1 << 18

func (l *loader) readGrants(ctx context.Context, r *c1z.Reader, workers int, progress func(Progress)) error {
	l.startWorkers(workers)
	tell := l.teller(progress)
	return r.ScanGrants(ctx, l.run.ID, workers, func(worker int, g *c1z.GrantEdge) error {
		w := l.workers[worker]
		if err := w.add(g); err != nil {
			return err
		}
		if w.grown >= grownStep {
			if err := l.hold(w.grown); err != nil {
				return err
			}
			w.grown = 0
		}
		if w.rows%chunkRows == 0 {
			tell(chunkRows)
		}
		return nil
	})
}

// startWorkers begins the reading of grants. From here on, the maps of what the archive
// has rows for do not change.
func (l *loader) startWorkers(n int) []*grantWorker {
	l.extraKeys, l.extraIDs = map[string]Ref{}, map[string]EntRef{}
	for range n {
		l.workers = append(l.workers, &grantWorker{l: l, sets: map[string]uint32{}, last: NoEnt})
	}
	return l.workers
}

// teller returns a function that counts grants and tells of them now and then.
func (l *loader) teller(progress func(Progress)) func(int64) {
	if progress == nil {
		return func(int64) {}
	}
	var total int64
	if l.run.Stats != nil {
		total = l.run.Stats.Grants
	}
	var count atomic.Int64
	var mu sync.Mutex
	var last time.Time
	return func(n int64) {
		now := count.Add(n)
		mu.Lock()
		defer mu.Unlock()
		if time.Since(last) >= progressEvery {
			last = time.Now()
			progress(Progress{Grants: now, Total: total})
		}
	}
}

func (w *grantWorker) add(g *c1z.GrantEdge) error {
	row := grantRow{entitlement: w.entitlement(g), principal: w.principal(g.PrincipalType, g.Principal)}
	if g.Immutable {
		row.flags |= flagImmutable
	}
	if g.Expandable {
		row.flags |= flagExpandable
	}
	if w.sources(g, row.entitlement) {
		row.flags |= flagDirect
	}
	row.source = w.keepSet()
	if len(w.via) > math.MaxInt32 || w.rows >= math.MaxInt32/len(w.l.workers) {
		return errTooMany
	}
	w.identify(g, &row)
	if err := w.use(g); err != nil {
		return err
	}
	if w.rows%chunkRows == 0 {
		w.chunks = append(w.chunks, make([]grantRow, 0, chunkRows))
	}
	last := len(w.chunks) - 1
	w.chunks[last] = append(w.chunks[last], row)
	w.rows++
	w.grown += heldGrant
	return nil
}

// sources puts the entitlements that a grant comes from, in order and without its
// own, into w.set. It reports whether the grant is direct.
func (w *grantWorker) sources(g *c1z.GrantEdge, own EntRef) (direct bool) {
	w.set = w.set[:0]
	direct = len(g.Sources) == 0
	for _, id := range g.Sources {
		if bytes.Equal(id, g.Entitlement) {
			direct = true
			continue
		}
		if e := w.find(id, nil); e != own {
			w.set = append(w.set, e)
		}
	}
	if len(w.set) > 1 {
		slices.Sort(w.set)
		w.set = slices.Compact(w.set)
	}
	return direct
}

// keepSet stores w.set, once where it was met before, and returns its place.
func (w *grantWorker) keepSet() uint32 {
	if len(w.set) == 0 {
		return 0
	}
	w.key = w.key[:0]
	for _, e := range w.set {
		w.key = binary.LittleEndian.AppendUint32(w.key, uint32(e))
	}
	if at, ok := w.sets[string(w.key)]; ok {
		return at
	}
	at := uint32(len(w.via)) + 1
	w.via = append(append(w.via, EntRef(len(w.set))), w.set...)
	w.grown += 2 * len(w.key)
	if len(w.sets) < maxSets {
		w.sets[string(w.key)] = at
	}
	return at
}

// identify notes by which rule the grant's id is made, or the id itself.
func (w *grantWorker) identify(g *c1z.GrantEdge, row *grantRow) {
	w.text = appendPlainID(w.text[:0], g.Entitlement, g.PrincipalType, g.Principal)
	if bytes.Equal(w.text, g.ID) {
		row.flags |= flagPlainID
		return
	}
	w.text = appendTypedID(w.text[:0], w.typ, w.id, g.PrincipalType, g.Principal)
	if bytes.Equal(w.text, g.ID) {
		row.flags |= flagTypedID
		return
	}
	w.ids = append(w.ids, storedID{int32(w.rows), string(g.ID)})
	w.grown += 2*len(g.ID) + heldGrant
}

// appendPlainID makes the id that Baton gives to grants, and expansion to all that it
// makes.
func appendPlainID[E, T, P []byte | string](to []byte, entitlement E, typ T, principal P) []byte {
	to = append(append(to, entitlement...), ':')
	to = append(append(to, typ...), ':')
	return append(to, principal...)
}

// appendTypedID makes the id that this connector gives to direct grants.
func appendTypedID[T, P []byte | string](to []byte, resourceType, resource string, typ T, principal P) []byte {
	to = append(append(to, resourceType...), "-grant:"...)
	to = append(append(to, resource...), ':')
	to = append(append(to, typ...), ':')
	to = append(append(to, principal...), ':')
	return append(to, resource...)
}

func (w *grantWorker) entitlement(g *c1z.GrantEdge) EntRef {
	if w.last != NoEnt && bytes.Equal(w.lastID, g.Entitlement) {
		return w.last
	}
	w.last = w.find(g.Entitlement, g)
	w.lastID = append(w.lastID[:0], g.Entitlement...)
	w.l.mu.Lock()
	defer w.l.mu.Unlock()
	of := &w.l.resources[w.l.entitlements[w.last].resource]
	w.typ, w.id = w.l.types[of.typ].ID, of.id
	return w.last
}

// find gives the number of an entitlement. One that the archive has no row for is on
// the resource that the grant names, or where only a source names it, on one that has
// its id and no type.
func (w *grantWorker) find(id []byte, g *c1z.GrantEdge) EntRef {
	if e, ok := w.l.byID[string(id)]; ok {
		return e
	}
	w.l.mu.Lock()
	defer w.l.mu.Unlock()
	if e, ok := w.l.extraIDs[string(id)]; ok {
		if g != nil && w.l.entitlements[e].slug == sourceOnly {
			w.l.entitlements[e].slug = ""
			w.l.entitlements[e].resource = w.resource(g.ResourceType, g.Resource)
		}
		return e
	}
	m := entitlement{id: validText(id), missing: true}
	m.name = cmp.Or(m.id, "(no id)")
	if g != nil {
		m.resource = w.resource(g.ResourceType, g.Resource)
	} else {
		m.slug, m.resource = sourceOnly, NoRef
	}
	e := EntRef(len(w.l.entitlements))
	w.l.entitlements = append(w.l.entitlements, m)
	w.l.extraIDs[string(id)] = e
	w.grown += 2*len(id) + heldEntitlement
	return e
}

// sourceOnly marks an entitlement that only sources have named so far. No slug of an
// archive is this one, since slugs are valid text.
const sourceOnly = "\xff"

func (w *grantWorker) principal(typ, id []byte) Ref {
	w.key = append(append(append(w.key[:0], typ...), 0), id...)
	if r, ok := w.l.byKey[string(w.key)]; ok {
		return r
	}
	w.l.mu.Lock()
	defer w.l.mu.Unlock()
	return w.resource(typ, id)
}

// resource gives the number of a resource. The caller holds the lock.
func (w *grantWorker) resource(typ, id []byte) Ref {
	l := w.l
	w.key = append(append(append(w.key[:0], typ...), 0), id...)
	if r, ok := l.byKey[string(w.key)]; ok {
		return r
	}
	if r, ok := l.extraKeys[string(w.key)]; ok {
		return r
	}
	r := l.addMissing(validText(typ), validText(id), "")
	l.extraKeys[string(w.key)] = r
	w.grown += 2*len(w.key) + heldResource
	return r
}

// validText takes text from a message that was not decoded as a whole, and so was not
// checked.
func validText(b []byte) string { return string(bytes.ToValidUTF8(b, []byte("\uFFFD"))) }

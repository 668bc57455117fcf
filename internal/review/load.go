package review

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// Progress is how far [Load] has come. It is told now and then, from one goroutine
// at a time.
type Progress struct {
	// Grants were read, of Total, which is 0 where the archive does not tell.
	Grants, Total int64
}

// Load reads one sync of an archive, the one that Baton readers show when syncID is
// empty. progress may be nil. The reader is not needed afterwards. It holds about 20
// bytes for a grant and one or two kilobytes for a resource; loading takes twice as
// much for a moment. A sync that would take more than 4 GiB is refused.
//
// If there is no such sync, the error is [c1z.ErrNotFound]; one that is too large is
// [c1z.ErrTooLarge].
func Load(ctx context.Context, r *c1z.Reader, syncID string, progress func(Progress)) (*Sync, error) {
	return load(ctx, r, syncID, progress, maxHeld)
}

func load(ctx context.Context, r *c1z.Reader, syncID string, progress func(Progress), limit int64) (*Sync, error) {
	l, err := loadNames(ctx, r, syncID, limit)
	if err != nil {
		return nil, err
	}
	if err := l.readGrants(ctx, r, runtime.GOMAXPROCS(0), progress); err != nil {
		return nil, fmt.Errorf("load sync %s: %w", l.run.ID, err)
	}
	s := l.arrange()
	s.Overview() // Everybody asks for it first.
	return s, nil
}

// LoadNames reads the resources and entitlements of one sync, but no grants: enough to
// find what a name means, whatever the number of grants. It is otherwise as [Load].
func LoadNames(ctx context.Context, r *c1z.Reader, syncID string) (*Sync, error) {
	l, err := loadNames(ctx, r, syncID, maxHeld)
	if err != nil {
		return nil, err
	}
	return l.arrange(), nil
}

// loadNames reads everything but grants.
func loadNames(ctx context.Context, r *c1z.Reader, syncID string, limit int64) (*loader, error) {
	run, err := findSync(ctx, r, syncID)
	if err != nil {
		return nil, err
	}
	l := newLoader(run)
	l.limit = limit
	for _, step := range []func(context.Context, *c1z.Reader) error{l.readTypes, l.readResources, l.readEntitlements} {
		if err := step(ctx, r); err != nil {
			return nil, fmt.Errorf("load sync %s: %w", run.ID, err)
		}
	}
	return l, nil
}

// Contents is what a sync holds. Of the entitlements, embedded resources are only
// looked at for their ids.
type Contents struct {
	Types        []*v2.ResourceType
	Resources    iter.Seq[*v2.Resource]
	Entitlements iter.Seq[*v2.Entitlement]
	// Grants may yield the same GrantEdge with other contents each time.
	Grants iter.Seq[*c1z.GrantEdge]
}

// Build makes a Sync of what is not in an archive.
func Build(run c1z.SyncRun, c Contents) (*Sync, error) {
	l := newLoader(run)
	for _, t := range c.Types {
		l.addType(t)
	}
	for m := range c.Resources {
		if err := l.addResource(m); err != nil {
			return nil, err
		}
	}
	for m := range c.Entitlements {
		l.addEntitlement(m)
	}
	w := l.startWorkers(1)[0]
	for g := range c.Grants {
		if err := w.add(g); err != nil {
			return nil, err
		}
	}
	return l.arrange(), nil
}

func findSync(ctx context.Context, r *c1z.Reader, id string) (c1z.SyncRun, error) {
	if id == "" {
		return r.Shown(ctx)
	}
	return r.Sync(ctx, id)
}

// Previous returns the sync of an archive that came before another: the newest
// finished full one that ended earlier. If there is none, the error is
// [c1z.ErrNotFound].
func Previous(ctx context.Context, r *c1z.Reader, run c1z.SyncRun) (c1z.SyncRun, error) {
	syncs, err := r.Syncs(ctx)
	if err != nil {
		return c1z.SyncRun{}, err
	}
	var found c1z.SyncRun
	before := func(a, b c1z.SyncRun) bool {
		return a.EndedAt.Before(b.EndedAt) || a.EndedAt.Equal(b.EndedAt) && a.ID < b.ID
	}
	for _, s := range syncs {
		if s.Finished() && s.Type == c1z.SyncFull && s.ID != run.ID && (!run.Finished() || before(s, run)) &&
			(found.ID == "" || before(found, s)) {
			found = s
		}
	}
	if found.ID == "" {
		return found, fmt.Errorf("full sync before %s: %w", run.ID, c1z.ErrNotFound)
	}
	return found, nil
}

// loader collects what is read. Until everything is there, resources, entitlements
// and types are numbered as they come.
type loader struct {
	run          c1z.SyncRun
	types        []Type
	byType       map[string]int32
	resources    []record
	entitlements []entitlement
	byKey        map[string]Ref
	byID         map[string]EntRef
	// words keeps texts that many resources share once.
	words map[string]string
	// held is how many bytes are held, as far as the size of the sync decides, and
	// limit the most that may be.
	held  atomic.Int64
	limit int64
	grants
}

// maxHeld bounds what a sync takes in memory: no organization comes near, and an
// archive of a few megabytes can claim to hold any number of rows.
const maxHeld = 4 << 30

// What a row takes beside its texts, with its places in maps and lists, in bytes.
const (
	heldResource    = 512
	heldEntitlement = 384
	heldGrant       = 40
)

// hold counts what is going to be held.
func (l *loader) hold(bytes int) error {
	if held := l.held.Add(int64(bytes)); held > l.limit {
		return fmt.Errorf("%w: loading it needs more than %d MiB of memory", c1z.ErrTooLarge, l.limit>>20)
	}
	return nil
}

func newLoader(run c1z.SyncRun) *loader {
	return &loader{
		run: run, byType: map[string]int32{}, byKey: map[string]Ref{}, byID: map[string]EntRef{}, words: map[string]string{},
	}
}

func (l *loader) readTypes(ctx context.Context, r *c1z.Reader) error {
	for t, err := range r.ResourceTypes(ctx, l.run.ID) {
		if err != nil {
			return err
		}
		if err := l.hold(proto.Size(t) + heldResource); err != nil {
			return err
		}
		l.addType(t)
	}
	return nil
}

func (l *loader) addType(t *v2.ResourceType) {
	i := l.typeNumber(t.GetId())
	l.types[i].Kind = kindOfType(l.types[i].ID, t.GetTraits())
	if name := t.GetDisplayName(); name != "" {
		l.types[i].Name = name
	}
}

// typeNumber gives a type's number and makes one where it is new.
func (l *loader) typeNumber(id string) int32 {
	i, ok := l.byType[id]
	if !ok {
		i = int32(len(l.types))
		id = strings.Clone(id)
		l.types = append(l.types, Type{ID: id, Name: id, Kind: kindOfType(id, nil)})
		l.byType[id] = i
	}
	return i
}

func (l *loader) readResources(ctx context.Context, r *c1z.Reader) error {
	for m, err := range r.Resources(ctx, l.run.ID, c1z.ResourceFilter{}) {
		if err != nil {
			return err
		}
		if err := l.hold(2*proto.Size(m) + heldResource); err != nil {
			return err
		}
		if err := l.addResource(m); err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) addResource(m *v2.Resource) error {
	rec, err := l.record(m)
	if err != nil {
		return err
	}
	key := resourceKey(m.GetId().GetResourceType(), rec.id)
	if old, ok := l.byKey[key]; ok {
		l.resources[old] = rec // The last row counts, as for every reader.
		return nil
	}
	l.byKey[key] = Ref(len(l.resources))
	l.resources = append(l.resources, rec)
	return nil
}

func (l *loader) readEntitlements(ctx context.Context, r *c1z.Reader) error {
	for m, err := range r.Entitlements(ctx, l.run.ID, c1z.EntitlementFilter{}) {
		if err != nil {
			return err
		}
		if err := l.hold(2*proto.Size(m) + heldEntitlement); err != nil {
			return err
		}
		l.addEntitlement(m)
	}
	return nil
}

func (l *loader) addEntitlement(m *v2.Entitlement) {
	id := m.GetResource().GetId()
	e := entitlement{
		id: m.GetId(), slug: m.GetSlug(), name: m.GetDisplayName(), description: m.GetDescription(),
		purpose: purposeWord(m.GetPurpose()), immutable: hasAnnotation(m.GetAnnotations(), &v2.EntitlementImmutable{}),
		resource: l.missing(id.GetResourceType(), id.GetResource(), m.GetResource().GetDisplayName()),
	}
	for _, t := range m.GetGrantableTo() {
		e.grantableTo = append(e.grantableTo, l.share(t.GetId()))
	}
	l.putEntitlement(e)
}

func (l *loader) putEntitlement(e entitlement) EntRef {
	e.name = cmp.Or(e.name, e.slug, e.id, "(no id)")
	if old, ok := l.byID[e.id]; ok {
		l.entitlements[old] = e
		return old
	}
	ref := EntRef(len(l.entitlements))
	l.byID[e.id] = ref
	l.entitlements = append(l.entitlements, e)
	return ref
}

// missing gives the number of a resource and notes one that the archive has no row
// for.
func (l *loader) missing(typ, id, name string) Ref {
	key := resourceKey(typ, id)
	if r, ok := l.byKey[key]; ok {
		return r
	}
	r := l.addMissing(typ, id, name)
	l.byKey[key] = r
	return r
}

func (l *loader) addMissing(typ, id, name string) Ref {
	t := l.typeNumber(typ)
	rec := record{id: id, name: cmp.Or(name, id, "(no id)"), typ: t, kind: l.types[t].Kind, missing: true}
	if rec.kind.IsAccount() {
		rec.account = &AccountInfo{}
	}
	r := Ref(len(l.resources))
	l.resources = append(l.resources, rec)
	return r
}

// share returns a text that is kept once for all who have it.
func (l *loader) share(text string) string {
	if s, ok := l.words[text]; ok {
		return s
	}
	if len(l.words) < 100_000 {
		l.words[text] = text
	}
	return text
}

// errTooMany is a limit of how grants are kept; memory ends long before.
var errTooMany = errors.New("more than 2,000,000,000 grants or sources")

// progressEvery is how often progress is told.
const progressEvery = 100 * time.Millisecond

package guard

import (
	"context"
	"crypto/sha256"
	"hash/maphash"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// Baseline is the sync that a new one is compared with. Lists may come in any order
// and may be read within one another.
type Baseline interface {
	// Resources lists the resources.
	Resources(ctx context.Context) iter.Seq2[syncer.Ref, error]
	// Entitlements lists the entitlements.
	Entitlements(ctx context.Context) iter.Seq2[Entitlement, error]
	// Holders lists the principals that hold an entitlement, one at least once.
	Holders(ctx context.Context, entitlement string) iter.Seq2[syncer.Ref, error]
	// Name tells the display name of a resource, empty where it has none.
	Name(ctx context.Context, resource syncer.Ref) (string, error)
}

// Entitlement is an entitlement of a [Baseline].
type Entitlement struct {
	ID       string
	Resource syncer.Ref
}

// Watch passes the rows of a new sync on to an archive and compares them with a
// baseline on the way. It needs memory for the resources and for the holders of one
// entitlement at a time, however many grants there are. It is for one goroutine at
// a time, as [syncer.Archive] is called.
//
// A baseline that cannot be read does not stop the sync: the rows still pass, and
// [Watch.Loss] returns the error.
type Watch struct {
	next   syncer.Archive
	old    Baseline
	grants bool
	err    error // the first of the baseline

	seed    maphash.Seed
	present hashes                  // the new resources
	gone    map[syncer.Ref]struct{} // the old ones that are not among them; nil until all are known
	kinds   map[kindKey]*tally

	// open are the old entitlements whose holders were not compared.
	open    map[string]syncer.Ref
	current string // entitlement whose grants pass
	holders hashes // of current
	seen    []bool // which of holders the baseline has named
}

// kindKey says what is counted together: the resources of a type, or the grants on
// their entitlements.
type kindKey struct {
	grants       bool
	resourceType string
}

// tally is what was found out about a kind.
type tally struct {
	Kind
	parts []part
}

// part is the loss of one entitlement's holders, or of all resources of a type.
type part struct {
	entitlement string
	digest      [sha256.Size]byte
}

var _ syncer.Archive = (*Watch)(nil)

// NewWatch compares what passes to next with old, the grants only where asked for.
func NewWatch(next syncer.Archive, old Baseline, grants bool) *Watch {
	return &Watch{
		next: next, old: old, grants: grants, seed: maphash.MakeSeed(),
		kinds: map[kindKey]*tally{},
	}
}

// PutResourceTypes implements [syncer.Archive].
func (w *Watch) PutResourceTypes(ctx context.Context, types ...*v2.ResourceType) error {
	return w.next.PutResourceTypes(ctx, types...)
}

// PutResources implements [syncer.Archive].
func (w *Watch) PutResources(ctx context.Context, resources ...*v2.Resource) error {
	for _, r := range resources {
		w.present = append(w.present, w.hash(ref(r)))
	}
	return w.next.PutResources(ctx, resources...)
}

// PutEntitlements implements [syncer.Archive].
func (w *Watch) PutEntitlements(ctx context.Context, entitlements ...*v2.Entitlement) error {
	return w.next.PutEntitlements(ctx, entitlements...)
}

// PutGrants implements [syncer.Archive]. The grants on one entitlement come one
// after the other, and all resources came before.
func (w *Watch) PutGrants(ctx context.Context, grants ...*v2.Grant) error {
	if w.grants && w.err == nil {
		w.err = w.see(ctx, grants)
	}
	return w.next.PutGrants(ctx, grants...)
}

func (w *Watch) see(ctx context.Context, grants []*v2.Grant) error {
	for _, g := range grants {
		if id := g.GetEntitlement().GetId(); id != w.current {
			if err := w.leave(ctx); err != nil {
				return err
			}
			w.current = id
		}
		w.holders = append(w.holders, w.hash(ref(g.GetPrincipal())))
	}
	return nil
}

// Loss ends the comparison and tells what the baseline had that did not pass.
func (w *Watch) Loss(ctx context.Context) (Loss, error) {
	if w.err != nil {
		return Loss{}, w.err
	}
	if w.grants {
		if err := w.leave(ctx); err != nil {
			return Loss{}, err
		}
		for _, id := range slices.Sorted(maps.Keys(w.open)) {
			if err := w.compare(ctx, id); err != nil {
				return Loss{}, err
			}
		}
	} else if err := w.settle(ctx); err != nil {
		return Loss{}, err
	}
	return w.loss(ctx)
}

// leave compares the entitlement whose grants have passed.
func (w *Watch) leave(ctx context.Context) error {
	if w.gone == nil {
		if err := w.settle(ctx); err != nil {
			return err
		}
	}
	if _, had := w.open[w.current]; had {
		if err := w.compare(ctx, w.current); err != nil {
			return err
		}
	}
	w.holders, w.current = w.holders[:0], ""
	return nil
}

// settle compares the resources, which have all passed, and reads which
// entitlements there were.
func (w *Watch) settle(ctx context.Context) error {
	gone := map[string][]string{}
	w.present = w.present.sorted()
	for r, err := range w.old.Resources(ctx) {
		if err != nil {
			return err
		}
		k := w.kind(kindKey{resourceType: r.Type})
		k.Had++
		if _, ok := slices.BinarySearch(w.present, w.hash(r)); !ok {
			k.Lost++
			gone[r.Type] = append(gone[r.Type], r.ID)
		}
	}
	w.gone, w.present = map[syncer.Ref]struct{}{}, nil
	for resourceType, ids := range gone {
		k := w.kind(kindKey{resourceType: resourceType})
		slices.Sort(ids)
		k.parts = []part{{digest: digest(ids)}}
		for i, id := range ids {
			r := syncer.Ref{Type: resourceType, ID: id}
			w.gone[r] = struct{}{}
			if i < maxNamed {
				k.examples = append(k.examples, example{of: r})
			}
		}
	}
	w.open = map[string]syncer.Ref{}
	if !w.grants {
		return nil
	}
	for e, err := range w.old.Entitlements(ctx) {
		if err != nil {
			return err
		}
		w.open[e.ID] = e.Resource
	}
	return nil
}

// compare compares who holds an entitlement with who held it.
func (w *Watch) compare(ctx context.Context, entitlement string) error {
	of := w.open[entitlement]
	delete(w.open, entitlement)
	var lost []syncer.Ref
	k := w.kind(kindKey{grants: true, resourceType: of.Type})
	w.holders = w.holders.sorted()
	w.seen = append(w.seen[:0], make([]bool, len(w.holders))...)
	for p, err := range w.old.Holders(ctx, entitlement) {
		if err != nil {
			return err
		}
		switch at, held := slices.BinarySearch(w.holders, w.hash(p)); {
		case !held:
			lost = append(lost, p)
		case !w.seen[at]:
			w.seen[at] = true
			k.Had++
		}
	}
	if len(lost) == 0 {
		return nil
	}
	slices.SortFunc(lost, compareRefs)
	lost = slices.Compact(lost)
	k.Had += int64(len(lost))
	k.Lost += int64(len(lost))
	_, went := w.gone[of]
	ids := make([]string, len(lost))
	for i, p := range lost {
		ids[i] = p.Type + "\x00" + p.ID
		if len(k.examples) < maxNamed {
			k.examples = append(k.examples, example{of: of, to: p})
		}
		if _, gone := w.gone[p]; went {
			k.WithResource++
		} else if gone {
			k.WithPrincipal++
		}
	}
	k.parts = append(k.parts, part{entitlement: entitlement, digest: digest(ids)})
	return nil
}

func (w *Watch) kind(key kindKey) *tally {
	k, ok := w.kinds[key]
	if !ok {
		k = &tally{Kind: Kind{Type: key.resourceType, Grants: key.grants}}
		w.kinds[key] = k
	}
	return k
}

// hashes stand for objects, at a tenth of the memory that their ids take. A lost object
// is overlooked where it has the hash of one that is there, which among 100,000 objects
// happens once in a hundred million syncs.
type hashes []uint64

// sorted sorts in place and leaves out what is there twice.
func (h hashes) sorted() hashes {
	slices.Sort(h)
	return slices.Compact(h)
}

func (w *Watch) hash(r syncer.Ref) uint64 { return maphash.Comparable(w.seed, r) }

func ref(r *v2.Resource) syncer.Ref {
	return syncer.Ref{Type: r.GetId().GetResourceType(), ID: r.GetId().GetResource()}
}

func compareRefs(a, b syncer.Ref) int {
	if c := strings.Compare(a.Type, b.Type); c != 0 {
		return c
	}
	return strings.Compare(a.ID, b.ID)
}

// digest stands for a list of ids.
func digest(ids []string) (sum [sha256.Size]byte) {
	h := sha256.New()
	for _, id := range ids {
		h.Write([]byte(strconv.Itoa(len(id)) + ":" + id))
	}
	h.Sum(sum[:0])
	return sum
}

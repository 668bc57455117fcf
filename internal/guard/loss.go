package guard

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// maxNamed is how many of the lost objects of a kind are named.
const maxNamed = 10

// Loss is what an earlier sync had and a new one has not.
type Loss struct {
	// Kinds are what was compared, whether any of it is lost or not: the resources by
	// type, then the grants by the type of the entitlement's resource.
	Kinds []Kind
}

// Kind is the loss among the resources of one type, or among the grants on their
// entitlements. Whoever held an entitlement and holds it by another grant has lost
// nothing.
type Kind struct {
	// Type is the id of the resource type; that of the entitlement's resource where
	// Grants is set. Empty together with Grants, it stands for all grants.
	Type   string
	Grants bool
	// Had is how many there were, of which Lost are gone.
	Had, Lost int64
	// WithResource are the lost grants whose entitlement's resource is gone itself,
	// and WithPrincipal those of the others whose principal is.
	WithResource, WithPrincipal int64
	// Names name some of the lost, at most ten, each between quotes.
	Names []string

	examples []example
	digest   [sha256.Size]byte // of all lost ids
}

// example is one lost object; to is empty for a resource.
type example struct{ of, to syncer.Ref }

// loss sums up the comparison.
func (w *Watch) loss(ctx context.Context) (Loss, error) {
	var l Loss
	for _, t := range w.kinds {
		slices.SortFunc(t.parts, func(a, b part) int { return cmp.Compare(a.entitlement, b.entitlement) })
		ids := make([]string, 0, 2*len(t.parts))
		for _, p := range t.parts {
			ids = append(ids, p.entitlement, string(p.digest[:]))
		}
		t.Kind.digest = digest(ids)
		for _, e := range t.examples {
			name, err := w.named(ctx, e)
			if err != nil {
				return Loss{}, err
			}
			t.Names = append(t.Names, name)
		}
		l.Kinds = append(l.Kinds, t.Kind)
	}
	slices.SortFunc(l.Kinds, func(a, b Kind) int {
		if a.Grants != b.Grants {
			return map[bool]int{false: -1, true: 1}[a.Grants]
		}
		return cmp.Compare(a.Type, b.Type)
	})
	return l, nil
}

// named shows a lost object. A name may hold anything, so it is quoted.
func (w *Watch) named(ctx context.Context, e example) (string, error) {
	quoted := func(r syncer.Ref) (string, error) {
		name, err := w.old.Name(ctx, r)
		return strconv.Quote(cmp.Or(name, r.ID)), err
	}
	of, err := quoted(e.of)
	if err != nil || e.to == (syncer.Ref{}) {
		return of, err
	}
	to, err := quoted(e.to)
	return of + " to " + to, err
}

// Judge lists the kinds whose loss deserves a verdict or a worse one.
func (l Loss) Judge(limits Limits, verdict Verdict) []Kind {
	var found []Kind
	all := Kind{Grants: true}
	judged := false // some of the grants are among the found
	for _, k := range l.Kinds {
		if limits.judge(k.Had, k.Lost) >= verdict {
			found = append(found, k)
			judged = judged || k.Grants
		}
		if k.Grants {
			all.add(k)
		}
	}
	if !judged && limits.judge(all.Had, all.Lost) >= verdict {
		found = append(found, all)
	}
	return found
}

// add adds up the grants of several types.
func (k *Kind) add(other Kind) {
	k.Had += other.Had
	k.Lost += other.Lost
	k.WithResource += other.WithResource
	k.WithPrincipal += other.WithPrincipal
	k.Names = append(k.Names, other.Names...)
	k.Names = k.Names[:min(len(k.Names), maxNamed)]
	k.digest = digest([]string{string(k.digest[:]), other.Type, string(other.digest[:])})
}

// Code names the loss of some kinds since a sync: eight letters and digits that are
// other ones as soon as anything else is lost of these kinds, or since another sync.
// It is the same for everybody who finds the same.
func Code(since string, kinds []Kind) string {
	ids := []string{since}
	for _, k := range kinds {
		ids = append(ids, k.Type, strconv.FormatBool(k.Grants), string(k.digest[:]))
	}
	return CodeOf(ids...)
}

// CodeOf names anything that somebody has to accept, by what tells it from all else.
func CodeOf(ids ...string) string {
	sum := digest(ids)
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:5]))
}

// String says what is lost, as in
//
//	30 of 50 groups are gone (60%): "Sales", "Support" and 28 more
func (k Kind) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s of %s %s are gone (%d%%)", humanize.Comma(k.Lost), humanize.Comma(k.Had), k.what(), k.Lost*100/max(k.Had, 1))
	if k.WithResource > 0 {
		fmt.Fprintf(&b, ", %s along with the %s", humanize.Comma(k.WithResource), k.owner())
	}
	if k.WithPrincipal > 0 {
		fmt.Fprintf(&b, ", %s along with who had them", humanize.Comma(k.WithPrincipal))
	}
	if len(k.Names) > 0 {
		b.WriteString(": " + strings.Join(k.Names, ", "))
		if more := k.Lost - int64(len(k.Names)); more > 0 {
			b.WriteString(" and " + humanize.Comma(more) + " more")
		}
	}
	return b.String()
}

// what names the kind in the plural.
func (k Kind) what() string {
	switch {
	case k.Grants && k.Type == "":
		return "grants"
	case k.Grants:
		return "grants of " + plural(k.Type)
	default:
		return plural(k.Type)
	}
}

// owner names what the grants of the kind were of.
func (k Kind) owner() string {
	if k.Type == "" {
		return "resources"
	}
	return plural(k.Type)
}

// plural names the resources of a type as the summary of a sync does.
func plural(resourceType string) string {
	if t, ok := restype.Find(resourceType); ok {
		return t.Plural
	}
	return "resources of type " + strconv.Quote(resourceType)
}

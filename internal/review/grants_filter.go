package review

import (
	"slices"

	"github.com/conductorone/baton-jumpcloud/internal/review/search"
)

// grantFilter is what a filter says about the parts of a grant.
type grantFilter struct {
	ents       search.Tests[EntRef]
	principals search.Tests[Ref]
	// Of the flags in mask, a grant has those in flags.
	mask, flags flags
	// sources marks the sets of sources, by their places in Sync.sources, of which a
	// grant has one; nil for any.
	sources []bool
	// one and of are the only entitlement and the only principal.
	one EntRef
	of  Ref
	// nothing says that the filter names what is not there.
	nothing bool
}

func (s *Sync) grantFilter(filter map[string]string) (*grantFilter, error) {
	f := &grantFilter{one: NoEnt, of: NoRef}
	ents := s.entitlementFilters()
	flag := func(key string, bit flags) func(string) (func(struct{}) bool, error) {
		return noting(func(value string) error {
			if !slices.Contains(search.YesNo(), value) {
				return &search.ValueError{Key: key, Value: value, Known: search.YesNo()}
			}
			f.mask |= bit
			if value == "yes" {
				f.flags |= bit
			}
			return nil
		})
	}
	entitlement := func(found func(EntRef)) func(string) (func(struct{}) bool, error) {
		return noting(func(value string) error {
			if e, ok := s.EntitlementByID(value); ok {
				found(e)
			} else {
				f.nothing = true
			}
			return nil
		})
	}
	_, err := search.Filters(filter, map[string]func(string) (func(struct{}) bool, error){
		"direct":      flag("direct", flagDirect),
		"immutable":   flag("immutable", flagImmutable),
		"expandable":  flag("expandable", flagExpandable),
		"entitlement": entitlement(func(e EntRef) { f.one = e }),
		"via":         entitlement(func(e EntRef) { f.sources = s.setsWith(e) }),
		"principal": noting(func(value string) error {
			p, ok := s.ByTypedID(value)
			f.of, f.nothing = p, f.nothing || !ok
			return nil
		}),
		"kind":     into(&f.ents, ents["kind"]),
		"type":     into(&f.ents, ents["type"]),
		"resource": into(&f.ents, ents["resource"]),
		"principal_kind": into(&f.principals, search.OneOf("principal_kind", KindWords(),
			func(r Ref, v string) bool { return s.resources[r].kind.String() == v })),
		"principal_type": into(&f.principals, typeFilter(s, "principal_type", func(r Ref) int32 { return s.resources[r].typ })),
	})
	return f, err
}

// noting makes a filter that is noted somewhere and tests nothing by itself.
func noting(note func(value string) error) func(string) (func(struct{}) bool, error) {
	return func(value string) (func(struct{}) bool, error) {
		return func(struct{}) bool { return true }, note(value)
	}
}

// into adds what a filter makes to a list of tests.
func into[T any](list *search.Tests[T], filter func(string) (func(T) bool, error)) func(string) (func(struct{}) bool, error) {
	return noting(func(value string) error {
		test, err := filter(value)
		if err == nil {
			*list = append(*list, test)
		}
		return err
	})
}

// takes reports whether a filter takes a grant, but for what it says of the
// entitlement's resource and of the kind of principals.
func (f *grantFilter) takes(s *Sync, g int32, e EntRef) bool {
	return s.flags[g]&f.mask == f.flags && (f.sources == nil || f.sources[s.sources[g]]) &&
		(f.one == NoEnt || f.one == e) && (f.of == NoRef || f.of == s.principal[g])
}

// setsWith marks the sets of sources, by their places in Sync.sources, that hold an
// entitlement.
func (s *Sync) setsWith(e EntRef) []bool {
	found := make([]bool, len(s.via)+1)
	for at := 0; at < len(s.via); {
		end := at + 1 + int(s.via[at])
		found[at+1] = slices.Contains(s.via[at+1:end], e)
		at = end
	}
	return found
}

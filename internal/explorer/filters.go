package explorer

import (
	"fmt"

	"github.com/conductorone/baton-jumpcloud/internal/review"
)

// maxOptions is how many values a filter offers.
const maxOptions = 200

// words are options that are called what they are.
func words(list ...string) []choice {
	options := make([]choice, len(list))
	for i, w := range list {
		options[i] = choice{Value: w, Title: capital(w)}
	}
	return options
}

// accountFilters restrict accounts by what the archive tells of them. What it never
// tells is not offered.
func (v *view) accountFilters() []filter {
	all := []filter{
		{Key: "status", Title: "Status"},
		{Key: "details", Title: "State"},
		{Key: "mfa", Title: "MFA"},
		{Key: "department", Title: "Department"},
		{Key: "account_type", Title: "Account type"},
	}
	var list []filter
	for _, f := range all {
		facets, err := v.sync.Facets(f.Key)
		if err != nil {
			panic(err) // The keys are those that Facets names.
		}
		for _, facet := range facets {
			if facet.Value != "" && len(f.Options) < maxOptions {
				f.Options = append(f.Options, choice{Value: facet.Value, Title: fmt.Sprintf("%s (%s)", short(facet.Value), number(facet.Count))})
			}
		}
		f.hidden = len(f.Options) == 0
		list = append(list, f)
	}
	return append(list, filter{Key: "admin", Title: "Admin", Options: words("yes", "no")})
}

// typeFilter restricts to one resource type, and is offered where a kind has several.
func (v *view) typeFilter(kind review.Kind) filter {
	f := filter{Key: "type", Title: "Type", value: (*view).typeName}
	for _, t := range v.sync.Types() {
		if t.Kind == kind && t.Resources > 0 {
			f.Options = append(f.Options, choice{Value: t.ID, Title: t.Name})
		}
	}
	f.hidden = len(f.Options) < 2
	return f
}

// kindFilter restricts to one kind of resource.
func (v *view) kindFilter(key, title string) filter {
	f := filter{Key: key, Title: title}
	for _, kind := range review.Kinds() {
		if _, section := kindSection(kind); v.has(kind) {
			f.Options = append(f.Options, choice{Value: kind.String(), Title: section})
		}
	}
	return f
}

func (v *view) has(kind review.Kind) bool {
	for _, t := range v.sync.Types() {
		if t.Kind == kind {
			return true
		}
	}
	return false
}

// typeName is the name of a resource type.
func (v *view) typeName(id string) string { return v.words.TypeName(id) }

// resourceName is the name of a resource that a filter has as "type:id".
func (v *view) resourceName(text string) string {
	if r, ok := v.sync.ByTypedID(text); ok {
		return v.sync.NameOf(r)
	}
	return text
}

// entitlementName is the name of an entitlement and its resource.
func (v *view) entitlementName(id string) string {
	e, ok := v.sync.EntitlementByID(id)
	if !ok {
		return id
	}
	return v.words.PathNames(review.Path{e})[0]
}

// steps are the entitlements of a path as links to their resources.
func (v *view) steps(path []review.EntRef) []cell {
	cells := make([]cell, len(path))
	for i, name := range v.words.PathNames(path) {
		cells[i] = cell{Text: short(name), URL: v.resourceURL(v.sync.EntitlementAt(path[i]).Resource)}
	}
	return cells
}

// viaCell shows what a grant comes from.
func (v *view) viaCell(via []review.EntRef) cell {
	var c cell
	for _, step := range v.steps(via) {
		c.Paths = append(c.Paths, pathView{Steps: []cell{step}})
	}
	return c
}

// pathsCell shows all ways to something.
func (v *view) pathsCell(paths []review.Path, more bool) cell {
	var c cell
	for _, path := range paths {
		c.Paths = append(c.Paths, pathView{Direct: len(path) == 0, Steps: v.steps(path)})
	}
	if more {
		c.Sub = "and by more paths"
	}
	return c
}

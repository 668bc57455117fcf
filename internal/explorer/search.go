package explorer

import (
	"github.com/conductorone/baton-jumpcloud/internal/review"
)

// foundOfKind is how many resources of a kind the search page shows; the list has the others.
const foundOfKind = 10

// searchPage is what a search of everything found.
type searchPage struct {
	Search string
	Kinds  []foundKind
	// Similar are names that differ in a few letters, where nothing was found.
	Similar []cell
}

// foundKind are the resources of a kind that were found.
type foundKind struct {
	Title, Count string
	Rows         [][]cell
	All          string // address of the list of all of them; empty where all are shown
}

// searchAll looks for a text among everything that has a name.
func searchAll(v *view) error {
	v.title = "Search"
	p := searchPage{Search: v.params.Get(paramSearch)}
	for _, kind := range v.sync.Shown() {
		refs, total := v.sync.Search(p.Search, kind, foundOfKind)
		if total == 0 {
			continue
		}
		path, title := kindSection(kind)
		found := foundKind{Title: title, Count: number(total)}
		if total > len(refs) {
			found.All = v.url(path, paramSearch, p.Search)
		}
		for _, r := range refs {
			b := v.sync.Brief(r)
			about := cell{Text: b.Type}
			if a := v.sync.Resource(r).Account; a != nil {
				about = cell{Text: a.Email, Sub: a.Department}
			}
			found.Rows = append(found.Rows, []cell{{Text: short(b.Name), URL: v.resourceURL(b)}, {Text: short(about.Text), Sub: short(about.Sub)}})
		}
		p.Kinds = append(p.Kinds, found)
	}
	if len(p.Kinds) == 0 {
		p.Similar = v.similar(p.Search)
	}
	return v.render("search", p)
}

// similar are links to what has a similar name.
func (v *view) similar(text string) []cell {
	var list []cell
	for _, c := range v.sync.Similar(text) {
		list = append(list, cell{Text: similarName(c), URL: v.resourceURL(c.Resource)})
	}
	return list
}

// similarName tells things of one name apart.
func similarName(c review.Candidate) string {
	if c.Hint == "" {
		return short(c.Resource.Name)
	}
	return short(c.Resource.Name) + " (" + short(c.Hint) + ")"
}

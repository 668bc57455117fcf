package explorer

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/conductorone/baton-jumpcloud/internal/review/tables"
)

const (
	// paramRows is how many rows a page has, and paramColumns which columns are shown beside the
	// first, by their ids with commas between them, or each by itself.
	paramRows    = "rows"
	paramColumns = "columns"

	// rowsPerPage is how many rows of a list a page shows, unless its address says otherwise.
	rowsPerPage = 50
)

// rowChoices are how many rows a page can have.
func rowChoices() []int { return []int{20, rowsPerPage, 100, 200, 500} }

// rows is how many rows a page has.
func (v *view) rows() (int, error) {
	text := v.params.Get(paramRows)
	if text == "" {
		return rowsPerPage, nil
	}
	n, err := strconv.Atoi(text)
	if most := slices.Max(rowChoices()); err != nil || n < 1 || n > most {
		return 0, &problem{http.StatusBadRequest, fmt.Errorf("a page has 1 to %d rows", most)}
	}
	return n, nil
}

// columnChoice is a column that can be shown.
type columnChoice struct {
	ID, Title string
	Shown     bool
}

// chooser chooses the columns of a list.
type chooser struct {
	Columns []columnChoice
	Action  string
	Keep    []field
	Usual   string // address of the usual columns; empty where they are shown
}

// chosenColumns are those that the address asks for; nil where it leaves that to the list. Columns
// that the list does not have are ignored, as those of a link from another version.
func (v *view) chosenColumns() []string {
	var ids []string
	for _, value := range v.params[paramColumns] {
		for id := range strings.SplitSeq(value, ",") {
			if id != "" {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// shown are the columns of the page: the first of the list always, as it says what a row is.
func (l listing) shown(v *view) []tables.Shown {
	chosen := v.chosenColumns()
	return slices.DeleteFunc(slices.Clone(l.Page), func(c tables.Shown) bool {
		switch {
		case c.ID == l.Page[0].ID:
			return false
		case chosen == nil:
			return c.IsDetail
		default:
			return !slices.Contains(chosen, c.ID)
		}
	})
}

// chooser offers the columns of the list.
func (l listing) chooser(v *view, action string) chooser {
	shown := l.shown(v)
	c := chooser{Action: action, Keep: v.others(paramColumns, paramPage, paramFormat)}
	for _, column := range l.Page[1:] {
		c.Columns = append(c.Columns, columnChoice{column.ID, column.PageTitle, slices.ContainsFunc(shown, func(s tables.Shown) bool { return s.ID == column.ID })})
	}
	if v.chosenColumns() != nil {
		c.Usual = v.with(paramColumns, "")
	}
	return c
}

// others are the parameters of the page but some.
func (v *view) others(but ...string) []field {
	var keep []field
	for key, values := range v.params {
		if !slices.Contains(but, key) && values[0] != "" {
			keep = append(keep, field{key, values[0]})
		}
	}
	sortFields(keep)
	return keep
}

package syncer

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"
)

// A list may show fewer rows than its server counts: rows that lead nowhere are
// counted and left out. That is true of some rows, and of all rows of a short list.
// It is not true of most of what there is.
const (
	// emptyFew is how many rows lists that show none count together before that is worth
	// a word, and emptyMany before it is too much to be true of most lists; loneMany is
	// that of a single list.
	emptyFew  = 10
	emptyMany = 20
	loneMany  = 50
	// holesPercent is the share of a kind's rows that may be missing without a word,
	// and holesFew how many may be missing whatever their share.
	holesPercent = 5
	holesFew     = 3
)

// remarkCounts says where lists showed much less than they counted.
func (e *engine) remarkCounts(ctx context.Context) ([]string, error) {
	kinds, err := e.Store.Counts(ctx)
	if err != nil {
		return nil, err
	}
	var remarks []string
	for _, k := range kinds {
		if k.EmptyCounted >= emptyFew {
			remarks = append(remarks, k.String())
		}
		if missing := k.Counted - k.Shown; missing >= holesFew && missing*100 > k.Counted*holesPercent {
			remarks = append(remarks, fmt.Sprintf("%s: the server counts %s rows and shows %s; %s (%d%%) are missing",
				k.Name(), humanize.Comma(k.Counted), humanize.Comma(k.Shown), humanize.Comma(missing), missing*100/k.Counted))
		}
	}
	return remarks, nil
}

// isUntrue reports whether most lists of the kind show nothing, and these are not
// just a few short ones.
func (k KindCounts) isUntrue() bool {
	return k.mostEmpty() && k.EmptyCounted >= emptyMany && (k.Empty > 1 || k.EmptyCounted >= loneMany)
}

// mostEmpty reports whether most lists of the kind show nothing.
func (k KindCounts) mostEmpty() bool { return 2*k.Empty > k.Lists }

// Name is what people call the kind.
func (k KindCounts) Name() string { return cmp.Or(k.Label, k.Kind) }

// String says how many lists show nothing of how much, and names some.
func (k KindCounts) String() string {
	var names []string
	for _, l := range k.Examples {
		if l.Owner != (Ref{}) {
			names = append(names, fmt.Sprintf("%s (%s)", l.Owner, humanize.Comma(l.Counted)))
		}
	}
	if more := k.Empty - len(names); more > 0 && len(names) > 0 {
		names = append(names, fmt.Sprintf("%s more", humanize.Comma(int64(more))))
	}
	text := fmt.Sprintf("%s: %s of %s non-empty lists show none of the %s rows that the server counts",
		k.Name(), humanize.Comma(int64(k.Empty)), humanize.Comma(int64(k.Lists)), humanize.Comma(k.EmptyCounted))
	if len(names) > 0 {
		text += ": " + strings.Join(names, ", ")
	}
	return text
}

package guard

// Verdict is what a loss deserves.
type Verdict int

// The verdicts, from the mildest on.
const (
	Fine    Verdict = iota // it is too small to be told
	Notable                // whoever reads the outcome is told
	Sudden                 // it is not published unless somebody accepts it
)

// WarnPercent is the share from which on a loss is notable.
const WarnPercent = 20

// Limits say how large a loss may be. They judge each kind by itself.
type Limits struct {
	// Percent is the share of a kind from which on its loss is sudden, 1 to 100.
	Percent int
	// AtLeast is how many objects a sudden loss has at least: of a few, one that
	// goes is a large share.
	AtLeast int64
}

// judge judges the loss of some of what there was. Both bounds are included.
func (l Limits) judge(had, lost int64) Verdict {
	reaches := func(percent int) bool { return lost > 0 && lost*100 >= had*int64(percent) }
	switch {
	case reaches(l.Percent) && lost >= l.AtLeast:
		return Sudden
	case reaches(min(l.Percent, WarnPercent)):
		return Notable
	default:
		return Fine
	}
}

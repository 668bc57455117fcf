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
	// AtLeast is how many objects a large drop has at least: of a few, one that
	// goes is a large share. Where nothing at all is left, fewer are enough.
	AtLeast int64
}

const (
	// allAtLeast is how many objects of a kind there were whose loss is sudden when none
	// is left, such as the administrators: nothing at all is more likely a list that could
	// not be read than the truth.
	allAtLeast = 3
	// usualAtLeast is the greatest AtLeast that leaves it at that: who asks for more has
	// all losses in mind.
	usualAtLeast = 20
)

// judge judges the loss of some of what there was. All bounds are included.
func (l Limits) judge(had, lost int64) Verdict {
	reaches := func(percent int) bool { return lost > 0 && lost*100 >= had*int64(percent) }
	switch {
	case reaches(l.Percent) && (lost >= l.AtLeast || lost == had && lost >= allAtLeast && l.AtLeast <= usualAtLeast):
		return Sudden
	case reaches(min(l.Percent, WarnPercent)):
		return Notable
	default:
		return Fine
	}
}

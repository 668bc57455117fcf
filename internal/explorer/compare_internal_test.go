package explorer

import (
	"errors"
	"testing"

	"github.com/conductorone/baton-jumpcloud/internal/review"
)

// A comparison that failed is made again when somebody asks again; one that was
// made is not.
func TestFailedComparisonIsMadeAgain(t *testing.T) {
	t.Parallel()
	var c comparisons[int]
	older, newer := new(review.Sync), new(review.Sync)
	calls := 0
	for _, want := range []error{errors.New("away"), nil, nil} {
		got, err := c.of(older, newer, func() (int, error) {
			calls++
			return calls, want
		})
		if !errors.Is(err, want) || want == nil && got != 2 {
			t.Errorf("%d, %v; want %v", got, err, want)
		}
	}
	if calls != 2 {
		t.Errorf("made %d times, want 2", calls)
	}
}

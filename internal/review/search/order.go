package search

import (
	"cmp"
	"math"
	"slices"
)

// Arranged returns n things by their keys, those with the same key in their own
// order, whichever the direction. The arrangement is kept under a name, so that it
// costs something only once.
func Arranged[K cmp.Ordered](c *Cache, name string, n int, desc bool, key func(i int32) K) []int32 {
	return Cached(c, directed(name, desc), func() []int32 { return Arrange(n, desc, key) })
}

// Arrange is [Arranged] without keeping the arrangement.
func Arrange[K cmp.Ordered](n int, desc bool, key func(i int32) K) []int32 {
	type keyed struct {
		key K
		i   int32
	}
	list := make([]keyed, n)
	for i := range list {
		list[i] = keyed{key(int32(i)), int32(i)}
	}
	slices.SortFunc(list, func(a, b keyed) int {
		c := cmp.Compare(a.key, b.key)
		if desc {
			c = -c
		}
		return cmp.Or(c, cmp.Compare(a.i, b.i))
	})
	order := make([]int32, n)
	for at, k := range list {
		order[at] = k.i
	}
	return order
}

// maxBuckets is how far apart ranks may be for [arrangeRanks] to count them.
const maxBuckets = 1 << 22

// arrangeRanks is arrange for keys that are mostly places or counts: those that are not
// too far apart are counted instead of compared, since millions are.
func arrangeRanks(n int, desc bool, rank func(i int32) int64) []int32 {
	if n == 0 {
		return nil
	}
	ranks := make([]int64, n)
	least, most := int64(math.MaxInt64), int64(math.MinInt64)
	for i := range ranks {
		ranks[i] = rank(int32(i))
		least, most = min(least, ranks[i]), max(most, ranks[i])
	}
	if uint64(most-least) >= maxBuckets {
		return Arrange(n, desc, func(i int32) int64 { return ranks[i] })
	}
	bucket := func(r int64) int64 {
		if desc {
			return most - r
		}
		return r - least
	}
	next := make([]int32, most-least+2)
	for _, r := range ranks {
		next[bucket(r)+1]++
	}
	next = Starts(next)
	order := make([]int32, n)
	for i, r := range ranks {
		at := &next[bucket(r)]
		order[*at] = int32(i)
		*at++
	}
	return order
}

// ArrangedRanks is arranged for such keys.
func ArrangedRanks(c *Cache, name string, n int, desc bool, rank func(i int32) int64) []int32 {
	return Cached(c, directed(name, desc), func() []int32 { return arrangeRanks(n, desc, rank) })
}

// directed is a name of an order with its direction.
func directed(name string, desc bool) string {
	if desc {
		return "down " + name
	}
	return "up " + name
}

// EmptyLast is a folded key of text by which what has none comes last.
func EmptyLast(text string) string {
	if text == "" {
		return "\U0010FFFF"
	}
	return Fold(text)
}

// Starts turns counts, each one place behind its own, into where each begins.
func Starts(counts []int32) []int32 {
	for i := 1; i < len(counts); i++ {
		counts[i] += counts[i-1]
	}
	return counts
}

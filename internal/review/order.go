package review

import (
	"cmp"
	"slices"
)

// arranged returns n things by their keys, those with the same key in their own
// order, whichever the direction. The arrangement is kept under a name, so that it
// costs something only once.
func arranged[K cmp.Ordered](c *cache, name string, n int, desc bool, key func(i int32) K) []int32 {
	direction := "up "
	if desc {
		direction = "down "
	}
	return cachedValue(c, direction+name, func() []int32 { return arrange(n, desc, key) })
}

func arrange[K cmp.Ordered](n int, desc bool, key func(i int32) K) []int32 {
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

// emptyLast is a folded key of text by which what has none comes last.
func emptyLast(text string) string {
	if text == "" {
		return "\U0010FFFF"
	}
	return fold(text)
}

package syncer

import (
	"cmp"
	"container/heap"
	"context"
	"slices"
)

// queueSize bounds how many tokens wait in memory; the others wait in the Store.
const queueSize = 2048

// queue hands out what is to be done next: lists to settle, then tokens, the most
// urgent first. It is not safe for concurrent use.
type queue struct {
	store  Queue
	size   int
	tokens tokenHeap
	lists  []OpenList

	busy    map[int64]bool // tokens that were handed out
	spilled bool           // the Store has open tokens that are not in memory
	loaded  int64          // the Store's greatest token when it was last asked
}

func newQueue(store Queue, size int) *queue {
	return &queue{store: store, size: size, busy: map[int64]bool{}}
}

// load takes over what the Store knows.
func (q *queue) load(ctx context.Context) error {
	lists, err := q.store.IdleLists(ctx)
	if err != nil {
		return err
	}
	q.lists = lists
	return q.refill(ctx)
}

// refill fills the memory with the most urgent tokens of the Store.
func (q *queue) refill(ctx context.Context) error {
	limit := q.size + len(q.busy)
	tokens, last, err := q.store.OpenTokens(ctx, limit)
	if err != nil {
		return err
	}
	q.loaded = max(q.loaded, last)
	q.spilled = len(tokens) == limit
	q.tokens = slices.DeleteFunc(tokens, func(t Token) bool { return q.busy[t.ID] })
	heap.Init(&q.tokens)
	return nil
}

// add takes over tokens that a commit opened.
func (q *queue) add(tokens []Token) {
	for _, t := range tokens {
		// A refill may have seen the commit before its answer arrived here.
		if t.ID <= q.loaded {
			continue
		}
		heap.Push(&q.tokens, t)
	}
	if len(q.tokens) > 2*q.size {
		slices.SortFunc(q.tokens, Token.compare) // which is a heap too
		clear(q.tokens[q.size:])
		q.tokens = q.tokens[:q.size]
		q.spilled = true
	}
}

// next hands out a list to settle or a token; neither when nothing is waiting.
func (q *queue) next(ctx context.Context) (list *OpenList, token *Token, err error) {
	if len(q.lists) > 0 {
		l := q.lists[0]
		q.lists = q.lists[1:]
		return &l, nil, nil
	}
	if len(q.tokens) == 0 && q.spilled {
		if err := q.refill(ctx); err != nil {
			return nil, nil, err
		}
	}
	if len(q.tokens) == 0 {
		return nil, nil, nil
	}
	t, _ := heap.Pop(&q.tokens).(Token)
	q.busy[t.ID] = true
	return nil, &t, nil
}

// done takes a token back.
func (q *queue) done(t Token) { delete(q.busy, t.ID) }

// drop forgets the tokens of a resource's lists, and returns them.
func (q *queue) drop(owner Ref) (dropped []Token) {
	q.tokens = slices.DeleteFunc(q.tokens, func(t Token) bool {
		if t.List.Owner == owner {
			dropped = append(dropped, t)
		}
		return t.List.Owner == owner
	})
	heap.Init(&q.tokens)
	return dropped
}

func (t Token) compare(u Token) int {
	return cmp.Or(cmp.Compare(t.Class, u.Class), cmp.Compare(t.Rank, u.Rank), cmp.Compare(t.ID, u.ID))
}

// tokenHeap implements heap.Interface.
type tokenHeap []Token

func (h tokenHeap) Len() int           { return len(h) }
func (h tokenHeap) Less(i, j int) bool { return h[i].compare(h[j]) < 0 }
func (h tokenHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// Push and Pop implement heap.Interface.
func (h *tokenHeap) Push(x any) { *h = append(*h, x.(Token)) } //nolint:forcetypeassert // the heap holds nothing else.

// Pop implements heap.Interface.
func (h *tokenHeap) Pop() any {
	old := *h
	t := old[len(old)-1]
	old[len(old)-1] = Token{}
	*h = old[:len(old)-1]
	return t
}

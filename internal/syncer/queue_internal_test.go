package syncer

import (
	"cmp"
	"context"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// openPages is the part of a Store that a queue needs, in memory.
type openPages struct {
	Queue
	tokens []Token // all that were ever opened, by id
	done   map[int64]bool
}

func (o *openPages) IdleLists(context.Context) ([]OpenList, error) { return nil, nil }

func (o *openPages) OpenTokens(_ context.Context, limit int) ([]Token, int64, error) {
	var open []Token
	for _, t := range o.tokens {
		if !o.done[t.ID] {
			open = append(open, t)
		}
	}
	slices.SortFunc(open, Token.compare)
	return open[:min(limit, len(open))], int64(len(o.tokens)), nil
}

// A queue hands each token out once, whatever the order in which commits, their
// answers and refills come, and never holds more than twice its size.
func TestQueueHandsOutEachTokenOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		store := &openPages{done: map[int64]bool{}}
		open := func() (opened []Token) {
			for range rapid.IntRange(0, 12).Draw(rt, "tokens") {
				t := Token{
					ID: int64(len(store.tokens) + 1), Class: int64(rapid.IntRange(0, 1).Draw(rt, "class")),
					Rank: int64(rapid.IntRange(-3, 9).Draw(rt, "rank")),
				}
				store.tokens = append(store.tokens, t)
				opened = append(opened, t)
			}
			return opened
		}
		open()
		q := newQueue(store, rapid.IntRange(1, 8).Draw(rt, "size"))
		if err := q.load(t.Context()); err != nil {
			rt.Fatal(err)
		}
		type answer struct {
			token  Token
			opened []Token
		}
		var reading []Token
		var answers []answer
		handed := map[int64]int{}
		for steps := 0; ; steps++ {
			_, tok, err := q.next(t.Context())
			if err != nil {
				rt.Fatal(err)
			}
			if tok != nil {
				handed[tok.ID]++
				reading = append(reading, *tok)
			}
			if len(q.tokens) > 2*q.size+len(q.busy) {
				rt.Fatalf("%d tokens in memory", len(q.tokens))
			}
			if tok == nil && len(reading) == 0 && len(answers) == 0 {
				break
			}
			// Commit some of what is read; the answers come later, in any order.
			for len(reading) > 0 && (tok == nil || rapid.Bool().Draw(rt, "commit")) {
				i := rapid.IntRange(0, len(reading)-1).Draw(rt, "which")
				store.done[reading[i].ID] = true
				var opened []Token
				if len(store.tokens) < 80 {
					opened = open()
				}
				answers = append(answers, answer{reading[i], opened})
				reading = slices.Delete(reading, i, i+1)
			}
			for len(answers) > 0 && (tok == nil || rapid.Bool().Draw(rt, "answer")) {
				i := rapid.IntRange(0, len(answers)-1).Draw(rt, "whose")
				q.done(answers[i].token)
				q.add(answers[i].opened)
				answers = slices.Delete(answers, i, i+1)
			}
		}
		for _, tok := range store.tokens {
			if handed[tok.ID] != 1 {
				rt.Fatalf("token %d was handed out %d times", tok.ID, handed[tok.ID])
			}
		}
	})
}

func TestQueueOrder(t *testing.T) {
	t.Parallel()
	store := &openPages{tokens: []Token{
		{ID: 1, Class: 1, Rank: 5},
		{ID: 2, Class: 1},
		{ID: 3, Rank: 2},
		{ID: 4, Rank: -7},
		{ID: 5, Class: 1},
	}}
	q := newQueue(store, 10)
	if err := q.load(t.Context()); err != nil {
		t.Fatal(err)
	}
	var got []int64
	for {
		_, tok, err := q.next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if tok == nil {
			break
		}
		got = append(got, tok.ID)
	}
	if !slices.Equal(got, []int64{4, 3, 2, 5, 1}) {
		t.Errorf("order = %v", got)
	}
	if !slices.IsSortedFunc(store.tokens, func(a, b Token) int { return cmp.Compare(a.ID, b.ID) }) {
		t.Error("the store's tokens were moved")
	}
}

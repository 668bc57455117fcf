package search

import "slices"

// Tests are conditions that must all hold.
type Tests[T any] []func(T) bool

// All reports whether all of them hold of something.
func (t Tests[T]) All(v T) bool {
	for _, test := range t {
		if !test(v) {
			return false
		}
	}
	return true
}

// Filters turns a filter into tests by what its keys stand for.
func Filters[T any](filter map[string]string, known map[string]func(value string) (func(T) bool, error)) (Tests[T], error) {
	var list Tests[T]
	for key, value := range filter {
		use, err := Pick("filter", key, known)
		if err != nil {
			return nil, err
		}
		if value == "" {
			continue
		}
		test, err := use(value)
		if err != nil {
			return nil, err
		}
		list = append(list, test)
	}
	return list, nil
}

// OneOf makes a filter whose values are words.
func OneOf[T any](key string, known []string, test func(T, string) bool) func(string) (func(T) bool, error) {
	return func(value string) (func(T) bool, error) {
		if !slices.Contains(known, value) {
			return nil, &ValueError{key, value, known}
		}
		return func(v T) bool { return test(v, value) }, nil
	}
}

// AnyText makes a filter that takes every text, compared as it is searched.
func AnyText[T any](text func(T) string) func(string) (func(T) bool, error) {
	return FoldedText(Fold, text)
}

// FoldedText makes a filter that takes every text, compared as fold has it. Many
// things have the same text, so that what was compared is remembered.
func FoldedText[T any](fold func(string) string, text func(T) string) func(string) (func(T) bool, error) {
	return func(value string) (func(T) bool, error) {
		folded := fold(value)
		known := map[string]bool{}
		return func(v T) bool {
			t := text(v)
			same, ok := known[t]
			if !ok {
				same = fold(t) == folded
				known[t] = same
			}
			return same
		}, nil
	}
}

// YesNo are the values of a filter that has two.
func YesNo() []string { return []string{"yes", "no"} }

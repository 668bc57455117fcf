package spillsort

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"
)

func TestArenaSort(t *testing.T) {
	t.Parallel()
	for name, keys := range map[string][]string{
		"empty":             nil,
		"one":               {"a"},
		"sorted":            {"a", "a", "b", "ba"},
		"reversed":          {"d", "c", "b", "a"},
		"runs":              {"m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "m9", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8", "a9"},
		"runs that overlap": {"a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8", "z", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8", "y"},
		"prefixes":          {"same-prefix-aaaaaaaa-2", "same-prefix-aaaaaaaa-1", "same-prefix", "same-prefix-aaaaaaaa"},
		"zeros":             {"a\x00\x00", "a\x00", "a"},
	} {
		a := new(arena)
		for _, k := range keys {
			a.add([]byte(k))
		}
		a.sort()
		var got []string
		for _, e := range a.entries {
			got = append(got, string(a.key(e)))
		}
		want := slices.Clone(keys)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// A spill that loses its tail, at a key's end or within one, is an error and never
// an index of fewer keys.
func TestSpillLosesItsTail(t *testing.T) {
	t.Parallel()
	fill := func() *Sorter {
		s := New(t.TempDir(), 2000, make(chan struct{}, 1))
		for i := range 200 {
			if err := s.Add(binary.BigEndian.AppendUint64([]byte("key "), uint64(i*7919%200))); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.wait(); err != nil {
			t.Fatal(err)
		}
		return s
	}
	whole := fill()
	if err := whole.Each(func([]byte) error { return nil }); err != nil || len(whole.runs) < 2 {
		t.Fatalf("%v with %d runs", err, len(whole.runs))
	}
	for size := range whole.size {
		s := fill()
		if err := s.file.Truncate(size); err != nil {
			t.Fatal(err)
		}
		if err := s.Each(func([]byte) error { return nil }); !errors.Is(err, ErrLost) {
			t.Fatalf("cut to %d of %d bytes: %v", size, whole.size, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	// A run that is taken out as a whole.
	whole.runs = whole.runs[1:]
	if err := whole.Each(func([]byte) error { return nil }); !errors.Is(err, ErrLost) {
		t.Errorf("without a run: %v", err)
	}
	if err := whole.Close(); err != nil {
		t.Fatal(err)
	}
}

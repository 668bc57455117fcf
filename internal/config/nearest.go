package config

import "strings"

// Nearest is the option whose name is closest to a word that is none, or empty
// when nothing is close.
func Nearest(word string) string {
	word = strings.ToLower(strings.ReplaceAll(word, "_", "-"))
	best, name := 3, "" // a distance of 3 is too far to be a slip
	for _, o := range Options() {
		if o.EnvOnly {
			continue
		}
		if d := distance(word, o.Name); d < best {
			best, name = d, o.Name
		}
	}
	return name
}

// distance is the Levenshtein distance of two words.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j]+1, row[j+1]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}

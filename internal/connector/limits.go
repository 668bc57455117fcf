package connector

import "strings"

// The longest texts that readers of the archive accept, in bytes.
const (
	MaxID          = 1024
	MaxDisplayName = 1024
	maxDescription = 2048
	maxURL         = 1024
)

// firstText returns the first of its arguments that is more than white space, or
// "".
func firstText(texts ...string) string {
	for _, t := range texts {
		if strings.TrimSpace(t) != "" {
			return t
		}
	}
	return ""
}

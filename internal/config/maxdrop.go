package config

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/conductorone/baton-jumpcloud/internal/redact"
)

// dropAtLeast is how many objects a loss has at least that is too large, unless the
// setting says so.
const dropAtLeast = 20

// parseMaxDrop reads PERCENT[%][/COUNT], or off.
func parseMaxDrop(text string) (MaxDrop, error) {
	text = strings.TrimSpace(text)
	if strings.EqualFold(text, "off") {
		return MaxDrop{}, nil
	}
	share, count, counted := strings.Cut(text, "/")
	percent, err := strconv.Atoi(strings.TrimSuffix(share, "%"))
	drop := MaxDrop{Percent: percent, AtLeast: dropAtLeast}
	if err == nil && counted {
		drop.AtLeast, err = strconv.ParseInt(count, 10, 64)
	}
	if err != nil || percent < 1 || percent > 100 || drop.AtLeast < 1 {
		return MaxDrop{}, fmt.Errorf("value must be off, PERCENT%% (1%% to 100%%) or PERCENT%%/COUNT such as 50%%/20, but got '%s'", redact.Value(text))
	}
	return drop, nil
}

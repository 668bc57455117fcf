package cli

import (
	"slices"
	"testing"

	"github.com/conductorone/baton-jumpcloud/internal/config"
	"github.com/conductorone/baton-jumpcloud/internal/connector"
)

// The types that settings name are those that the connector has.
func TestSettingsNameTheTypes(t *testing.T) {
	t.Parallel()
	var types []string
	for _, r := range connector.ResourceTypes() {
		types = append(types, r.GetId())
	}
	slices.Sort(types)
	if got := slices.Sorted(slices.Values(config.ResourceTypes())); !slices.Equal(got, types) {
		t.Errorf("settings take the types %q, the connector has %q", got, types)
	}
}

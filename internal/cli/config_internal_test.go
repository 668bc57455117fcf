package cli

import (
	"slices"
	"testing"

	"github.com/conductorone/baton-jumpcloud/internal/config"
	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
)

// allSwitches are the options that have further types read.
func allSwitches() []string {
	var names []string
	for _, s := range restype.Switches() {
		names = append(names, s.Name)
	}
	return names
}

// The types that settings name are those that the connector has.
func TestSettingsNameTheTypes(t *testing.T) {
	t.Parallel()
	var types []string
	for _, r := range connector.ResourceTypes(allSwitches()) {
		types = append(types, r.GetId())
	}
	slices.Sort(types)
	if got := slices.Sorted(slices.Values(config.ResourceTypes())); !slices.Equal(got, types) {
		t.Errorf("settings take the types %q, the connector has %q", got, types)
	}
}

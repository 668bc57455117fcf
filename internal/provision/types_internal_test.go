package provision

import (
	"testing"

	"github.com/conductorone/baton-jumpcloud/internal/restype"
)

// Every type that the table of resource types calls changeable has a planner, and no
// other has.
func TestEveryChangeableTypeIsPlanned(t *testing.T) {
	t.Parallel()
	for _, row := range restype.All() {
		if planned := planners()[row.ID] != nil; planned != row.Grantable() {
			t.Errorf("%s: grantable %v, planned %v", row.ID, row.Grantable(), planned)
		}
		if row.Grantable() && (row.Holding == "" || len(row.Write) == 0) {
			t.Errorf("%s is changeable, and has no word for holding one or takes no permission", row.ID)
		}
	}
	for id := range planners() {
		if _, ok := restype.Find(id); !ok {
			t.Errorf("%s is planned and no type", id)
		}
	}
}

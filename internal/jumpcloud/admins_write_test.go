package jumpcloud_test

import (
	"net/http"
	"testing"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
)

// The owner of the key is told by how its record says that the key begins.
func TestOwns(t *testing.T) {
	t.Parallel()
	client := newTestClient(t, http.NewServeMux())
	for _, tt := range []struct {
		admin jumpcloud.Admin
		want  jumpcloud.Flag
	}{
		{jumpcloud.Admin{KeySet: jumpcloud.False, KeyPrefix: testKey[:4]}, jumpcloud.False},
		{jumpcloud.Admin{KeySet: jumpcloud.True, KeyPrefix: testKey[:4]}, jumpcloud.True},
		{jumpcloud.Admin{KeyPrefix: testKey}, jumpcloud.True},
		{jumpcloud.Admin{KeySet: jumpcloud.True, KeyPrefix: "jca_zz"}, jumpcloud.False},
		{jumpcloud.Admin{KeySet: jumpcloud.True, KeyPrefix: testKey + "0"}, jumpcloud.False},
		{jumpcloud.Admin{KeySet: jumpcloud.True}, jumpcloud.Unset},
		{jumpcloud.Admin{}, jumpcloud.Unset},
	} {
		if got := client.Owns(&tt.admin); got != tt.want {
			t.Errorf("key set %v, prefix %q: %v, want %v", tt.admin.KeySet, tt.admin.KeyPrefix, got, tt.want)
		}
	}
}

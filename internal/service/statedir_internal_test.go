package service

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
)

// TestHomeIsOfOneOrganization lets organizations in one after the other.
func TestHomeIsOfOneOrganization(t *testing.T) {
	t.Parallel()
	h := home{t.TempDir(), "client@host/x"}
	acme, other := connector.Organization{ID: "1", Name: "Acme"}, connector.Organization{ID: "2", Name: "Other"}
	for range 2 {
		if err := h.admit(acme); err != nil {
			t.Error(err)
		}
	}
	if err := h.admit(other); fault.ExitCode(err) != int(codes.FailedPrecondition) || !strings.Contains(err.Error(), "Acme") {
		t.Errorf("another organization: %v", err)
	}
	if err := (home{h.dir, "other@host/x"}).admit(other); err != nil {
		t.Errorf("another client: %v", err)
	}
	left, err := os.ReadDir(h.dir)
	if err != nil || len(left) != 2 {
		t.Errorf("files left: %v, %v", left, err)
	}

	path := h.path("organization-", ".json")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := h.admit(acme); err == nil || !strings.Contains(err.Error(), "remove it") || !strings.Contains(err.Error(), path) {
		t.Errorf("a damaged file: %v", err)
	}
	if err := (home{filepath.Join(h.dir, "missing"), "x"}).admit(acme); err == nil {
		t.Error("a folder that is not there is no error")
	}
}

package service

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-jumpcloud/internal/atomicfile"
	"github.com/conductorone/baton-jumpcloud/internal/config"
	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/regularfile"
	"github.com/conductorone/baton-jumpcloud/internal/syncrun"
	"github.com/conductorone/baton-jumpcloud/internal/version"
)

// maxRemembered bounds the file that says which organization a state folder is of.
const maxRemembered = 64 << 10

// home is a state folder as one client of ConductorOne sees it.
type home struct{ dir, client string }

// path is of something that is the client's alone, though other clients may have
// the same folder.
func (h home) path(prefix, suffix string) string {
	return filepath.Join(h.dir, prefix+digest(h.client)+suffix)
}

// organization is the file that says which organization the state is of, previous the
// archive that was uploaded last, and syncs the folder of what is being synced.
func (h home) organization() string { return h.path("organization-", ".json") }
func (h home) previous() string     { return h.path("baton-previous-sync-", ".c1z") }
func (h home) syncs() string        { return h.path("syncs-", "") }

// invocations is the file of the actions that were invoked.
func (h home) invocations() string { return h.path("actions-", ".json") }

// admit refuses another organization than the one that this client's syncs have
// been of: to ConductorOne it would look as if everybody had lost all access. The
// first one that it sees is the right one.
func (h home) admit(org connector.Organization) error {
	path := h.organization()
	known, _, err := regularfile.Read(path, maxRemembered)
	if errors.Is(err, fs.ErrNotExist) {
		if err := h.remember(path, org); err != nil {
			return fmt.Errorf("save the organization: %w", err)
		}
		return nil
	}
	var had connector.Organization
	if err == nil {
		err = json.Unmarshal(known, &had)
	}
	if err != nil {
		return fmt.Errorf("read the organization of the state directory: %w; if %s is damaged, remove it", err, path)
	}
	if had.ID == org.ID {
		return nil
	}
	return fault.WithCode(codes.FailedPrecondition,
		"this connector synced organization %s, but this credential belongs to %s; use the right credential, or remove %s to switch organizations",
		had, org, path)
}

// remember writes an organization down. Two syncs may come first at once.
func (h home) remember(path string, org connector.Organization) error {
	text, err := json.Marshal(org)
	if err != nil {
		return err
	}
	return atomicfile.Write(path, text)
}

// stateDir makes the folder that a service keeps its work in. One that was chosen
// may be a volume, whose owner and mode are the cluster's business. One of our own
// choice has a name that others can guess, in a folder that others can write, so it
// must be ours.
func stateDir(service config.Service, out config.Output) (string, error) {
	dir := stateDirPath(service, out)
	if service.StateDir == "" {
		if err := syncrun.MakeWorkDir(dir); err != nil {
			return "", err
		}
	} else if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("create the state directory: %w", err)
	}
	probe, err := os.CreateTemp(dir, ".probe-*")
	if err != nil {
		return "", fmt.Errorf("the state directory is not writable; choose another with --state-dir: %w", err)
	}
	if err := probe.Close(); err != nil {
		return "", fmt.Errorf("write to the state directory: %w", err)
	}
	if err := os.Remove(probe.Name()); err != nil {
		return "", fmt.Errorf("write to the state directory: %w", err)
	}
	return filepath.Abs(dir)
}

// stateDirPath is where the state folder is, or will be.
func stateDirPath(service config.Service, out config.Output) string {
	return cmp.Or(service.StateDir, filepath.Join(cmp.Or(out.TempDir, os.TempDir()), version.Program+"-"+digest(service.ClientID)))
}

// StateFiles are what a service writes in its state folder: files, and folders that
// are its own.
func StateFiles(service config.Service, out config.Output) (files, folders []string) {
	h := home{stateDirPath(service, out), service.ClientID}
	return []string{h.organization(), h.previous()}, []string{h.syncs()}
}

// digest is 16 hex digits that stand for a text in file names.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}

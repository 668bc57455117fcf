package syncrun

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// Previous is the archive that a sync is going to replace.
type Previous struct {
	Path   string
	Reader *c1z.Reader // nil where there is no archive yet
	Newest c1z.SyncRun // of any type; zero where there is none
	Full   c1z.SyncRun // the newest full one; zero where there is none
}

// OpenPrevious reads what the archive at a path is of. A file that could not be
// replaced, because it is something else or of a format that is not written, is
// refused here, before anything is asked of JumpCloud.
func OpenPrevious(ctx context.Context, path string, options c1z.OpenOptions) (_ *Previous, err error) {
	p := &Previous{Path: path}
	p.Reader, err = c1z.Open(ctx, path, options)
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err != nil {
		return nil, irreplaceable(err)
	}
	for _, want := range []struct {
		run   *c1z.SyncRun
		types []c1z.SyncType
	}{{&p.Newest, nil}, {&p.Full, []c1z.SyncType{c1z.SyncFull}}} {
		run, err := p.Reader.Latest(ctx, want.types...)
		if err != nil && !errors.Is(err, c1z.ErrNotFound) {
			return nil, errors.Join(err, p.Reader.Close())
		}
		*want.run = run
	}
	return p, nil
}

// irreplaceable adds to the reason why a file is not replaced what can be done about it.
func irreplaceable(err error) error {
	for _, is := range []error{c1z.ErrNotArchive, c1z.ErrDamaged, c1z.ErrUnsupported, c1z.ErrTooLarge} {
		if errors.Is(err, is) {
			return fault.WithHints(err, "move it away or choose another file with --file")
		}
	}
	return err
}

// Check refuses an archive of another organization: its readers would take the
// difference for a change of access. An archive that names none, because another
// program wrote it, is trusted to the user.
func (p *Previous) Check(org connector.Organization) error {
	had := p.Newest.Organization
	if had.ID == "" || had.ID == org.ID {
		return nil
	}
	return fault.WithCode(codes.FailedPrecondition,
		"archive %s is of organization %s, but this credential belongs to %s; choose another file with --file, or another organization with --org-id",
		p.Path, connector.Organization{ID: had.ID, Name: had.Name}, org)
}

// Name tells the display name that a resource had.
func (p *Previous) Name(ctx context.Context, ref syncer.Ref) (string, error) {
	if p.Full.ID == "" || p.Reader == nil {
		return "", nil
	}
	resource, err := p.Reader.Resource(ctx, p.Full.ID, ref.Type, ref.ID)
	if errors.Is(err, c1z.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read %s: %w", p.Path, err)
	}
	return resource.GetDisplayName(), nil
}

// Close gives the archive back. It may be called again.
func (p *Previous) Close() error {
	reader := p.Reader
	p.Reader = nil
	if reader == nil {
		return nil
	}
	return reader.Close()
}

package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	"github.com/conductorone/baton-jumpcloud/internal/connector"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// previous is the archive that a sync is going to replace.
type previous struct {
	path   string
	reader *c1z.Reader // nil where there is no archive yet
	newest c1z.SyncRun // of any type; zero where there is none
	full   c1z.SyncRun // the newest full one; zero where there is none
}

// openPrevious reads what the archive at a path is of. A file that could not be
// replaced, because it is something else or of a format that is not written, is
// refused here, before anything is asked of JumpCloud.
func openPrevious(ctx context.Context, path string, options c1z.OpenOptions) (_ *previous, err error) {
	p := &previous{path: path}
	p.reader, err = c1z.Open(ctx, path, options)
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err != nil {
		return nil, err
	}
	for _, want := range []struct {
		run   *c1z.SyncRun
		types []c1z.SyncType
	}{{&p.newest, nil}, {&p.full, []c1z.SyncType{c1z.SyncFull}}} {
		run, err := p.reader.Latest(ctx, want.types...)
		if err != nil && !errors.Is(err, c1z.ErrNotFound) {
			return nil, errors.Join(err, p.reader.Close())
		}
		*want.run = run
	}
	return p, nil
}

// check refuses an archive of another organisation: its readers would take the
// difference for a change of access. An archive that names none, because another
// program wrote it, is trusted to the user.
func (p *previous) check(org connector.Organization) error {
	had := p.newest.Organization
	if had.ID == "" || had.ID == org.ID {
		return nil
	}
	return withCode(codes.FailedPrecondition,
		"the archive %s is of the organisation %s, and this credential leads to %s; choose another file with --file, or another organisation with --org-id",
		p.path, named(had.ID, had.Name), named(org.ID, org.Name))
}

// name tells the display name that a resource had.
func (p *previous) name(ctx context.Context, ref syncer.Ref) (string, error) {
	if p.full.ID == "" || p.reader == nil {
		return "", nil
	}
	resource, err := p.reader.Resource(ctx, p.full.ID, ref.Type, ref.ID)
	if errors.Is(err, c1z.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read %s: %w", p.path, err)
	}
	return resource.GetDisplayName(), nil
}

// Close gives the archive back. It may be called again.
func (p *previous) Close() error {
	reader := p.reader
	p.reader = nil
	if reader == nil {
		return nil
	}
	return reader.Close()
}

// named shows an organisation.
func named(id, name string) string {
	if name == "" {
		return id
	}
	return name + " (" + id + ")"
}

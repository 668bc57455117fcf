package c1z

import (
	"context"
	"errors"
	"log/slog"
	"time"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// How many older finished full syncs a new archive keeps beside its own.
const (
	// KeepDefault is one, as other Baton programs do.
	KeepDefault = 0
	// KeepNone keeps the new sync only.
	KeepNone = -1
	// KeepAll keeps every sync of the old archive.
	KeepAll = 1<<31 - 1
)

// Options says where a [Writer] writes and what it keeps.
type Options struct {
	// Path is the archive to make or to replace.
	Path string
	// WorkDir is an existing folder for the files of the build, which take up to
	// three times the unpacked size. They are removed in the end.
	WorkDir string
	// SyncID is the KSUID of the new sync; empty makes one.
	SyncID string
	// StartedAt is when the sync began; zero means now.
	StartedAt time.Time
	// Keep is how many older finished full syncs stay: [KeepDefault], [KeepNone],
	// [KeepAll] or a number above zero.
	Keep int
	// Limits bound what is unpacked of the old archive.
	Limits Limits
	Logger *slog.Logger
}

// Info describes a finished archive.
type Info struct {
	// Path is the file that was written, links resolved.
	Path string
	// Size and DecodedSize are its bytes, and those of the database in it.
	Size, DecodedSize int64
	// Sync is the new sync as it was written.
	Sync SyncRun
	// Kept are the ids of the older syncs that the file still holds, and Dropped of
	// those that it does not, oldest first.
	Kept, Dropped []string
}

// Writer builds an archive of one new sync. Rows arrive in their final order and
// with unique ids. It is not safe for concurrent use.
type Writer struct{}

// Create starts an archive. The caller holds [Lock] for the same path. A file at
// the path that is not an archive which this package can replace is an error
// ([ErrNotArchive], [ErrV3], [ErrDamaged], [ErrTooLarge]), and nothing is
// written.
func Create(ctx context.Context, opts Options) (*Writer, error) {
	return nil, errors.ErrUnsupported
}

// SyncID is the id of the new sync.
func (w *Writer) SyncID() string { return "" }

// PutResourceTypes adds resource types.
func (w *Writer) PutResourceTypes(ctx context.Context, types ...*v2.ResourceType) error {
	return errors.ErrUnsupported
}

// PutResources adds resources.
func (w *Writer) PutResources(ctx context.Context, resources ...*v2.Resource) error {
	return errors.ErrUnsupported
}

// PutEntitlements adds entitlements, which embed their resource.
func (w *Writer) PutEntitlements(ctx context.Context, entitlements ...*v2.Entitlement) error {
	return errors.ErrUnsupported
}

// PutGrants adds grants. A GrantExpandable annotation moves out of the stored
// message into the column for it; the message that was passed stays as it is.
func (w *Writer) PutGrants(ctx context.Context, grants ...*v2.Grant) error {
	return errors.ErrUnsupported
}

// Finish completes the archive and puts it in place of the old one. The new
// sync takes ID and StartedAt from [Options] where run leaves them empty, and
// EndedAt from the clock. Stats are counted. Nothing is left behind when it
// fails.
func (w *Writer) Finish(ctx context.Context, run SyncRun) (Info, error) {
	return Info{}, errors.ErrUnsupported
}

// Abort gives the build up and removes its files. After Finish it does nothing.
func (w *Writer) Abort() error { return nil }

func resolve(path string) (string, error) { return path, nil }

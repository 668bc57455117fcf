package c1z

import (
	"context"
	"errors"
	"io"
	"iter"
	"log/slog"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// Limits bound what an archive from elsewhere may cost to unpack.
type Limits struct {
	// DecodedSize is the most bytes that the database in it may have; 0 means 10 GiB.
	DecodedSize int64
	// Window is the most bytes that the compression may look back, which is
	// memory; 0 means 128 MiB.
	Window int64
}

// LimitsFromEnv reads BATON_DECODER_MAX_DECODED_SIZE_MB and
// BATON_DECODER_MAX_MEMORY_MB, both in MiB, with a function like [os.Getenv].
func LimitsFromEnv(getenv func(string) string) (Limits, error) {
	return Limits{}, nil
}

// OpenOptions says how [Open] unpacks an archive.
type OpenOptions struct {
	// TempDir is an existing folder for the unpacked database; empty means that of
	// the operating system.
	TempDir string
	Limits  Limits
	Logger  *slog.Logger
}

// Reader reads an archive. It is safe for concurrent use.
type Reader struct{}

// Open unpacks the archive at path into a private file and opens that read-only.
// A missing file is [os.ErrNotExist]; an empty one, or one of the header alone,
// is an archive without syncs. Other errors are [ErrNotArchive], [ErrV3],
// [ErrDamaged] and [ErrTooLarge].
func Open(ctx context.Context, path string, opts OpenOptions) (*Reader, error) {
	return nil, errors.ErrUnsupported
}

// Close removes the unpacked database.
func (r *Reader) Close() error { return nil }

// Syncs lists the syncs of the archive in the order of their rows.
func (r *Reader) Syncs(ctx context.Context) ([]SyncRun, error) { return nil, errors.ErrUnsupported }

// Sync returns one sync by its id. If there is none, the error is [ErrNotFound].
func (r *Reader) Sync(ctx context.Context, id string) (SyncRun, error) {
	return SyncRun{}, errors.ErrUnsupported
}

// Latest returns the newest finished sync of the given types, of any type when
// none is given. If there is none, the error is [ErrNotFound].
func (r *Reader) Latest(ctx context.Context, types ...SyncType) (SyncRun, error) {
	return SyncRun{}, errors.ErrUnsupported
}

// Shown returns the sync whose lists Baton readers show: the newest finished
// full one, else the newest unfinished one that began within seven days. If
// there is none, the error is [ErrNotFound].
func (r *Reader) Shown(ctx context.Context) (SyncRun, error) {
	return SyncRun{}, errors.ErrUnsupported
}

// Stats counts the rows of a sync afresh, without regard to what the file says.
func (r *Reader) Stats(ctx context.Context, syncID string) (Stats, error) {
	return Stats{}, errors.ErrUnsupported
}

// ResourceFilter restricts a list of resources. Its zero value restricts nothing.
type ResourceFilter struct {
	Type string // resource type id
	// ParentType and Parent restrict to the children of one resource.
	ParentType, Parent string
}

// EntitlementFilter restricts a list of entitlements. Its zero value restricts
// nothing; Resource needs ResourceType.
type EntitlementFilter struct {
	ResourceType, Resource string
}

// GrantFilter restricts a list of grants; what is set must all hold. Its zero
// value restricts nothing. Each combination but Expandable alone is answered
// from an index where the file has it.
type GrantFilter struct {
	Entitlement string // entitlement id
	// ResourceType and Resource are those of the entitlement.
	ResourceType, Resource   string
	PrincipalType, Principal string
	// Expandable restricts to grants that other grants follow from.
	Expandable bool
}

// GrantKey is a grant without its message: who has what.
type GrantKey struct {
	ID, Entitlement string
	// ResourceType and Resource are those of the entitlement.
	ResourceType, Resource   string
	PrincipalType, Principal string
}

// ResourceTypes lists the resource types of a sync in the order of their rows.
func (r *Reader) ResourceTypes(ctx context.Context, syncID string) iter.Seq2[*v2.ResourceType, error] {
	return nil
}

// Resources lists resources in the order of their rows.
func (r *Reader) Resources(ctx context.Context, syncID string, f ResourceFilter) iter.Seq2[*v2.Resource, error] {
	return nil
}

// Entitlements lists entitlements in the order of their rows.
func (r *Reader) Entitlements(ctx context.Context, syncID string, f EntitlementFilter) iter.Seq2[*v2.Entitlement, error] {
	return nil
}

// Grants lists grants in the order of their rows, each with its GrantExpandable
// annotation where it has one.
func (r *Reader) Grants(ctx context.Context, syncID string, f GrantFilter) iter.Seq2[*v2.Grant, error] {
	return nil
}

// GrantKeys lists the same grants as [Reader.Grants] without decoding them.
func (r *Reader) GrantKeys(ctx context.Context, syncID string, f GrantFilter) iter.Seq2[GrantKey, error] {
	return nil
}

// ResourceType returns one resource type. If there is none, the error is [ErrNotFound].
func (r *Reader) ResourceType(ctx context.Context, syncID, id string) (*v2.ResourceType, error) {
	return nil, errors.ErrUnsupported
}

// Resource returns one resource. If there is none, the error is [ErrNotFound].
func (r *Reader) Resource(ctx context.Context, syncID, resourceType, id string) (*v2.Resource, error) {
	return nil, errors.ErrUnsupported
}

// Entitlement returns one entitlement. If there is none, the error is [ErrNotFound].
func (r *Reader) Entitlement(ctx context.Context, syncID, id string) (*v2.Entitlement, error) {
	return nil, errors.ErrUnsupported
}

// Grant returns one grant. If there is none, the error is [ErrNotFound].
func (r *Reader) Grant(ctx context.Context, syncID, id string) (*v2.Grant, error) {
	return nil, errors.ErrUnsupported
}

// Dump writes the canonical text of a sync: two archives that hold the same have
// the same dump.
func (r *Reader) Dump(ctx context.Context, syncID string, w io.Writer) error {
	return errors.ErrUnsupported
}

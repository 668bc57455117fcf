package c1z

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/regularfile"
)

// OpenOptions says how [Open] unpacks an archive.
type OpenOptions struct {
	// TempDir is an existing folder for the unpacked database; empty means that of
	// the operating system.
	TempDir string
	Limits  Limits
	// Logger hears at debug level what was unpacked; nil is silence.
	Logger *slog.Logger
}

// Format is how an archive stores its rows.
type Format int

// The formats: a SQLite database in a zstd frame, and a Pebble database.
const (
	FormatV1 Format = 1
	FormatV3 Format = 3
)

// FormatOf is the format that a storage engine writes: "pebble" means format 3, and
// every other word, or none, format 1.
func FormatOf(engine string) Format {
	if engine == "pebble" {
		return FormatV3
	}
	return FormatV1
}

// Reader reads an archive of any format. It is safe for concurrent use. What it finds
// wrong with the file on the way is [ErrDamaged].
type Reader struct {
	rows
	path   string
	format Format
	size   int64
	syncs  []SyncRun
}

// rows are the rows of an archive, whatever its format. Lists come in the order of the
// file, which differs from format to format. Asked for a sync that is not in the
// archive, they are empty. Entitlements and grants carry the ids of what they are on
// and of, and its name where the archive has it.
type rows interface {
	ResourceTypes(ctx context.Context, syncID string) iter.Seq2[*v2.ResourceType, error]
	Resources(ctx context.Context, syncID string, f ResourceFilter) iter.Seq2[*v2.Resource, error]
	Entitlements(ctx context.Context, syncID string, f EntitlementFilter) iter.Seq2[*v2.Entitlement, error]
	// ResourceType, Resource, Entitlement and Grant return one row. If there is none,
	// the error is [ErrNotFound].
	ResourceType(ctx context.Context, syncID, id string) (*v2.ResourceType, error)
	Resource(ctx context.Context, syncID, resourceType, id string) (*v2.Resource, error)
	Entitlement(ctx context.Context, syncID, id string) (*v2.Entitlement, error)
	Grant(ctx context.Context, syncID, id string) (*v2.Grant, error)
	// Grants lists grants, each with its GrantExpandable annotation where it has one.
	Grants(ctx context.Context, syncID string, f GrantFilter) iter.Seq2[*v2.Grant, error]
	// Assets lists pictures.
	Assets(ctx context.Context, syncID string) iter.Seq2[Asset, error]
	// GrantKeys, ResourceKeys, EntitlementKeys and Holders, the principals of an
	// entitlement, are several times as fast as lists of messages.
	GrantKeys(ctx context.Context, syncID string, f GrantFilter) iter.Seq2[GrantKey, error]
	ResourceKeys(ctx context.Context, syncID string) iter.Seq2[ResourceKey, error]
	EntitlementKeys(ctx context.Context, syncID string) iter.Seq2[EntitlementKey, error]
	Holders(ctx context.Context, syncID, entitlement string) iter.Seq2[ResourceKey, error]
	// ScanGrants reads all grants of a sync as fast as can be: several workers read
	// runs of rows side by side, and of a message only the fields of [GrantEdge] are
	// decoded. The function is called with the number of the worker, from 0, and never
	// twice at once for the same worker; the order of rows is kept within a run only. An
	// error of it ends the scan and is returned as it is.
	ScanGrants(ctx context.Context, syncID string, workers int, edge func(worker int, g *GrantEdge) error) error
	// Stats counts the rows of a sync afresh, without regard to what the file says of
	// them; [SyncRun.Stats] is that.
	Stats(ctx context.Context, syncID string) (Stats, error)
	// extras counts what the sync has and no list holds, by what it is.
	extras(ctx context.Context, syncID string) (map[string]int64, error)
	dump(ctx context.Context, syncID string, out *bufio.Writer) error
	// Close removes what was unpacked. Lists that are being read fail with
	// [os.ErrClosed]. It may be called again.
	Close() error
}

// Open unpacks the archive at path into a private place and opens that read-only.
// A missing file is [os.ErrNotExist]; an empty one, or one of the header of format 1
// alone, is an archive without syncs. Other errors are [ErrNotArchive],
// [ErrUnsupported], [ErrDamaged] and [ErrTooLarge].
func Open(ctx context.Context, path string, opts OpenOptions) (*Reader, error) {
	start := time.Now()
	r, err := open(ctx, path, opts)
	if err != nil {
		return nil, fmt.Errorf("open archive %s: %w", path, err)
	}
	cmp.Or(opts.Logger, slog.New(slog.DiscardHandler)).DebugContext(ctx, "archive unpacked",
		"path", path, "format", int(r.format), "decoded_bytes", r.size, "syncs", len(r.syncs), "duration", time.Since(start))
	return r, nil
}

func open(ctx context.Context, path string, opts OpenOptions) (*Reader, error) {
	src, err := regularfile.Open(path)
	if kind, ok := errors.AsType[*regularfile.KindError](err); ok {
		return nil, fmt.Errorf("%w: it is %s", ErrNotArchive, regularfile.Kind(kind.Mode))
	}
	if err != nil {
		return nil, err
	}
	defer src.Close()
	format, err := formatOf(src)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if format == FormatV3 {
		return openV3(ctx, path, src, opts)
	}
	return openV1(ctx, path, src, opts)
}

// formatOf reads the header of an archive and goes back to its beginning.
func formatOf(f *os.File) (Format, error) {
	format, err := readHeader(bufio.NewReaderSize(io.NewSectionReader(f, 0, 4<<10), 4<<10))
	return format, err
}

// unpackedName is the pattern of the names of unpacked databases.
const unpackedName = "baton-jumpcloud-*.db"

// RemoveUnpacked removes the databases that readers which died have left in a
// folder for temporary files. Nobody else may use the folder at the time.
func RemoveUnpacked(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("remove files of an earlier run: %w", err)
	}
	for _, e := range entries {
		if ours, err := filepath.Match(unpackedName+"*", e.Name()); err != nil || !ours {
			continue
		}
		if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
			return fmt.Errorf("remove files of an earlier run: %w", err)
		}
	}
	return nil
}

// DecodedSize is how many bytes the database of the archive has, 0 when the
// archive is empty.
func (r *Reader) DecodedSize() int64 { return r.size }

// Format is that of the archive.
func (r *Reader) Format() Format { return r.format }

// Dump writes the canonical text of a sync. Two syncs that hold the same have
// the same dump, whenever and in whatever order they were read.
//
// Each row is a line: the table, then its columns as name=value with tabs
// between. Text and blobs are Go string literals, so that the names within a
// message can be read in a comparison. Tables come in the order of the file, rows
// in the order of their external ids. Row ids, the id of the sync, times of the
// run and the sync token are left out, and of a link to another sync only that
// there is one is shown.
func (r *Reader) Dump(ctx context.Context, syncID string, w io.Writer) error {
	if _, err := r.Sync(ctx, syncID); err != nil {
		return err
	}
	out := bufio.NewWriterSize(w, 64<<10)
	out.WriteString(dumpHeader)
	if err := r.dump(ctx, syncID, out); err != nil {
		return err
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write dump: %w", err)
	}
	return nil
}

package archives

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/conductorone/baton-jumpcloud/internal/atomicfile"
	"github.com/conductorone/baton-jumpcloud/internal/cli/program"
	"github.com/conductorone/baton-jumpcloud/internal/config"
	"github.com/conductorone/baton-jumpcloud/internal/regularfile"
	"github.com/conductorone/baton-jumpcloud/internal/review"
	"github.com/conductorone/baton-jumpcloud/internal/review/tables"
	"github.com/conductorone/baton-jumpcloud/internal/version"
)

const (
	// leastBytes is how large an archive is at least that an index may be there of, and
	// leastGrants how many grants a sync has that one is kept of. Others are read soon enough.
	leastBytes  = 1 << 20
	leastGrants = 200_000
	// mostIndexes is how many are kept, and mostIndexBytes how large they are together.
	mostIndexes    = 8
	mostIndexBytes = 4 << 30

	indexSuffix = ".index"
	// abandoned is when an index whose writing did not end is removed.
	abandoned = 24 * time.Hour
)

// index is where a sync is kept as it is arranged in memory: in the user's cache folder,
// for its owner alone, under a name that the contents of the archive, the sync that was
// asked for, and the program decide.
type index struct {
	archive, dir, name string
	before             fs.FileInfo // of the archive
}

// Ask is [Read] for a question, which is asked again and again of the same archive: a large
// sync is kept as it is arranged in memory, in the user's cache folder, and the next
// question needs neither unpack nor read the archive.
func Ask(ctx context.Context, a *program.App, cmd *cobra.Command, id string) (*Shown, error) {
	cfg, err := a.Load(cmd, config.ForCommand)
	if err != nil {
		return nil, err
	}
	i, err := indexOf(ctx, cfg.Output.File, id)
	if err != nil {
		return nil, Unreadable(ctx, cfg.Output.File, err)
	}
	if i != nil {
		if s := i.read(); s != nil {
			return &Shown{tables.Of(s), cfg.Output.File}, nil
		}
	}
	s, err := Read(ctx, a, cmd, "", id)
	if err == nil && i != nil {
		i.keep(s.Sync.Sync)
	}
	return s, err
}

// indexOf finds the place of an index; nil where there is none for such an archive.
func indexOf(ctx context.Context, archive, sync string) (*index, error) {
	info, err := os.Stat(archive)
	if err != nil || !info.Mode().IsRegular() || info.Size() < leastBytes {
		return nil, nil //nolint:nilerr,nilnil // Opening the archive says what is wrong with it.
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return nil, nil //nolint:nilerr,nilnil // As in a container: there is no such folder.
	}
	sum, err := regularfile.SHA256(ctx, archive)
	if err != nil {
		return nil, err
	}
	key := []string{sum, sync, version.Read().ID()}
	if path, err := os.Executable(); err == nil { // Builds of a tree that is worked on have one version.
		if program, err := os.Stat(path); err == nil {
			key = append(key, program.ModTime().UTC().Format(time.RFC3339Nano))
		}
	}
	name := sha256.Sum256([]byte(strings.Join(key, "\x00")))
	return &index{archive: archive, dir: filepath.Join(dir, version.Program), name: hex.EncodeToString(name[:16]) + indexSuffix, before: info}, nil
}

// read is the sync that the index holds; nil where there is none that can be read.
func (i *index) read() *review.Sync {
	path := filepath.Join(i.dir, i.name)
	file, err := regularfile.Open(path)
	if err != nil {
		return nil
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil
	}
	s, err := review.ReadIndex(file, info.Size())
	if err != nil {
		_ = os.Remove(path) // It is made anew.
		return nil
	}
	now := time.Now()
	_ = os.Chtimes(path, now, now) // What is not used for long goes first.
	return s
}

// keep writes the index. Where that fails, the next question is as slow as this one was.
func (i *index) keep(s *review.Sync) {
	if s.GrantCount() < leastGrants || !i.unchanged() || os.MkdirAll(i.dir, 0o700) != nil {
		return
	}
	file, err := os.CreateTemp(i.dir, "*"+indexSuffix+".part") // For its owner alone.
	if err != nil {
		return
	}
	w := bufio.NewWriterSize(file, 1<<20)
	if err := errors.Join(s.WriteIndex(w), w.Flush()); err != nil {
		_, _ = file.Close(), os.Remove(file.Name())
		return
	}
	if atomicfile.Commit(file, filepath.Join(i.dir, i.name)) == nil {
		i.prune()
	}
}

// unchanged reports whether the archive is the file that was looked at first.
func (i *index) unchanged() bool {
	now, err := os.Stat(i.archive)
	return err == nil && os.SameFile(i.before, now) && now.Size() == i.before.Size() && now.ModTime().Equal(i.before.ModTime())
}

// prune removes the indexes that were not used for the longest time, and what was not
// written to its end.
func (i *index) prune() {
	entries, err := os.ReadDir(i.dir)
	if err != nil {
		return
	}
	var kept []fs.FileInfo
	for _, e := range entries {
		info, err := e.Info()
		switch {
		case err != nil || !info.Mode().IsRegular():
		case strings.HasSuffix(e.Name(), indexSuffix):
			kept = append(kept, info)
		case strings.HasSuffix(e.Name(), indexSuffix+".part") && time.Since(info.ModTime()) > abandoned:
			_ = os.Remove(filepath.Join(i.dir, e.Name()))
		}
	}
	slices.SortFunc(kept, func(a, b fs.FileInfo) int { return b.ModTime().Compare(a.ModTime()) })
	var size int64
	for n, info := range kept {
		if size += info.Size(); info.Name() != i.name && (n >= mostIndexes || size > mostIndexBytes) {
			_ = os.Remove(filepath.Join(i.dir, info.Name()))
		}
	}
}

// Package evidence writes and verifies packs: files for an auditor, in a ZIP file or a
// directory, with a manifest that has the SHA-256 of each.
//
// A pack says what it is of and how complete that is. A file that was changed, added or
// taken away shows, and so does a manifest that was changed by itself: its own hash is in
// manifest.sha256, and in what the program printed when it made the pack.
package evidence

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-jumpcloud/internal/atomicfile"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
)

// The files that every pack has besides its own.
const (
	ManifestName = "manifest.json"
	digestName   = "manifest.sha256"
)

// formatVersion is the form of the manifest.
const formatVersion = 1

// The kinds of packs.
const (
	KindSync   = "sync"
	KindReview = "review"
)

// Manifest says what a pack is and what is in it.
type Manifest struct {
	Format int    `json:"format"`
	Kind   string `json:"kind"`
	// Tool is the program with version and commit.
	Tool    string    `json:"tool"`
	Created time.Time `json:"created_at"`
	// Subject is what the pack is of.
	Subject any `json:"subject"`
	// Completeness says in sentences what was read and what was left out.
	Completeness []string `json:"completeness"`
	Files        []File   `json:"files"`
}

// File is a file of a pack.
type File struct {
	Name string `json:"name"`
	// About is a sentence on what it has.
	About  string `json:"about"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Source writes a file of a pack.
type Source struct {
	Name, About string
	Write       func(io.Writer) error
}

// target is where the files of a pack go.
type target interface {
	create(name string, modified time.Time) (io.WriteCloser, error)
}

// Write makes a pack: a ZIP file where the name ends in .zip, else a directory. It
// replaces nothing, and leaves nothing behind when it fails. It returns the hash of the
// manifest.
func Write(path string, m Manifest, sources []Source) (digest string, err error) {
	if err := Check(path); err != nil {
		return "", err
	}
	if IsZIP(path) {
		digest, err = writeZIP(path, m, sources)
	} else {
		digest, err = writeDir(path, m, sources)
	}
	if err != nil {
		return "", fmt.Errorf("write evidence %s: %w", path, err)
	}
	_ = atomicfile.SyncDir(filepath.Dir(path)) // Not every file system lets a folder be synced.
	return digest, nil
}

// Check refuses a path that no pack can be written to.
func Check(path string) error {
	if _, err := os.Lstat(path); err == nil {
		return fault.WithHints(fault.WithCode(codes.AlreadyExists, "%s already exists, and evidence is never replaced", path), "choose another name")
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("write evidence: %w", err)
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil || !info.IsDir() {
		return fault.WithHints(fault.WithCode(codes.NotFound, "directory of %s does not exist", path), "create it or choose another")
	}
	return nil
}

// IsZIP reports whether a pack of a name is a ZIP file.
func IsZIP(path string) bool { return strings.EqualFold(filepath.Ext(path), ".zip") }

func writeZIP(path string, m Manifest, sources []Source) (digest string, err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.tmp")
	if err != nil {
		return "", err
	}
	if digest, err = WriteZIP(f, m, sources); err != nil {
		return "", errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	if err := atomicfile.Commit(f, path); err != nil {
		return "", err
	}
	return digest, nil
}

// WriteZIP writes a pack as a ZIP file to where it cannot be taken back. It returns the
// hash of the manifest.
func WriteZIP(out io.Writer, m Manifest, sources []Source) (digest string, err error) {
	w := zip.NewWriter(out)
	if digest, err = fill(zipTarget{w}, m, sources); err == nil {
		err = w.Close()
	}
	return digest, err
}

func writeDir(path string, m Manifest, sources []Source) (digest string, err error) {
	temp, err := os.MkdirTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.tmp")
	if err != nil {
		return "", err
	}
	if digest, err = fill(dirTarget(temp), m, sources); err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		return "", errors.Join(err, os.RemoveAll(temp))
	}
	return digest, nil
}

// fill writes the files, and in the end the manifest.
func fill(t target, m Manifest, sources []Source) (string, error) {
	m.Format, m.Files = formatVersion, nil
	for _, s := range sources {
		sum, size, err := put(t, s.Name, m.Created, s.Write)
		if err != nil {
			return "", fmt.Errorf("%s: %w", s.Name, err)
		}
		m.Files = append(m.Files, File{s.Name, s.About, size, sum})
	}
	raw, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return "", err
	}
	sum, _, err := put(t, ManifestName, m.Created, writes(string(raw)+"\n"))
	if err != nil {
		return "", err
	}
	_, _, err = put(t, digestName, m.Created, writes(sum+"  "+ManifestName+"\n"))
	return sum, err
}

func writes(text string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	}
}

// put writes a file and returns its hash and size.
func put(t target, name string, modified time.Time, write func(io.Writer) error) (sum string, size int64, err error) {
	w, err := t.create(name, modified)
	if err != nil {
		return "", 0, err
	}
	c := &counter{w: w}
	h := sha256.New()
	if err := errors.Join(write(io.MultiWriter(c, h)), w.Close()); err != nil {
		return "", 0, err
	}
	return hex.EncodeToString(h.Sum(nil)), c.n, nil
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

type zipTarget struct{ w *zip.Writer }

func (t zipTarget) create(name string, modified time.Time) (io.WriteCloser, error) {
	w, err := t.w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: modified.UTC()})
	return openEnd{w}, err
}

// openEnd is a file of a ZIP file, which ends with the next one.
type openEnd struct{ io.Writer }

func (openEnd) Close() error { return nil }

type dirTarget string

func (t dirTarget) create(name string, _ time.Time) (io.WriteCloser, error) {
	path := filepath.Join(string(t), filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // The name is this program's own.
	if err != nil {
		return nil, err
	}
	return synced{f}, nil
}

// synced is on the disk when it is closed.
type synced struct{ *os.File }

func (s synced) Close() error { return errors.Join(s.Sync(), s.File.Close()) }

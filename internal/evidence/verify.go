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
	"maps"
	"os"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-jumpcloud/internal/fault"
)

// maxManifest bounds the manifest of a pack, in bytes.
const maxManifest = 16 << 20

// Pack is an opened pack. It holds what is wrong with it.
type Pack struct {
	// Manifest is what the pack says of itself. Subject is its subject in JSON.
	Manifest Manifest
	Subject  json.RawMessage
	// Digest is the hash of the manifest as it is.
	Digest string
	// Problems are sentences on what was changed; none for a pack that is as it was made.
	Problems []string

	files fs.FS
	close func() error
}

// Close closes the pack.
func (p *Pack) Close() error { return p.close() }

// Problem adds what is wrong with the pack.
func (p *Pack) Problem(format string, args ...any) {
	p.Problems = append(p.Problems, fmt.Sprintf(format, args...))
}

// Read returns a file of the pack.
func (p *Pack) Read(name string) ([]byte, error) { return fs.ReadFile(p.files, name) }

// Open opens a pack and compares each file with the manifest. What is no pack is an error.
func Open(path string) (*Pack, error) {
	p := &Pack{close: func() error { return nil }}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fault.WithCode(codes.NotFound, "evidence %s does not exist", path)
	case err != nil:
		return nil, fmt.Errorf("open evidence: %w", err)
	case info.IsDir():
		p.files = os.DirFS(path)
	case info.Mode().IsRegular():
		r, err := zip.OpenReader(path)
		if err != nil {
			return nil, notPack(path, err)
		}
		p.files, p.close = r, r.Close
	default:
		return nil, notPack(path, errors.New("neither file nor directory"))
	}
	if err := p.verify(); err != nil {
		return nil, errors.Join(notPack(path, err), p.Close())
	}
	return p, nil
}

func notPack(path string, err error) error {
	return fault.WithHints(fmt.Errorf("%s is not evidence: %w", path, err), "name a ZIP file or directory that evidence or review close made")
}

// verify reads the manifest and compares the files with it.
func (p *Pack) verify() error {
	raw, err := p.manifest()
	if err != nil {
		return err
	}
	p.Digest = hash(raw)
	if noted, err := p.Read(digestName); err != nil {
		p.Problem("%s is missing or cannot be read: %v", digestName, err)
	} else if sum, _, _ := strings.Cut(string(noted), " "); sum != p.Digest {
		p.Problem("%s was changed: its SHA-256 is not that in %s", ManifestName, digestName)
	}
	listed := map[string]bool{ManifestName: true, digestName: true}
	for _, f := range p.Manifest.Files {
		listed[f.Name] = true
		p.compare(f)
	}
	extra := map[string]bool{}
	err = fs.WalkDir(p.files, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !listed[name] {
			extra[name] = true
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(extra)) {
		p.Problem("%s is not in the manifest", name)
	}
	return nil
}

func (p *Pack) manifest() ([]byte, error) {
	f, err := p.files.Open(ManifestName)
	if err != nil {
		return nil, errors.New(ManifestName + " is missing")
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxManifest+1))
	if err != nil || len(raw) > maxManifest {
		return nil, errors.Join(errors.New(ManifestName+" cannot be read"), err)
	}
	p.Manifest.Subject = &p.Subject
	if err := json.Unmarshal(raw, &p.Manifest); err != nil {
		return nil, fmt.Errorf("%s is not JSON: %w", ManifestName, err)
	}
	if p.Manifest.Format != formatVersion {
		return nil, fmt.Errorf("its format is %d, not %d: use a current version of the program", p.Manifest.Format, formatVersion)
	}
	return raw, nil
}

// compare compares a file with what the manifest says of it.
func (p *Pack) compare(want File) {
	f, err := p.files.Open(want.Name)
	if err != nil {
		p.Problem("%s is missing", want.Name)
		return
	}
	defer f.Close()
	h := sha256.New()
	// One byte more than it may have tells a longer file, and bounds what is unpacked.
	size, err := io.Copy(h, io.LimitReader(f, want.Size+1))
	switch {
	case err != nil:
		p.Problem("%s cannot be read: %v", want.Name, err)
	case size != want.Size || hex.EncodeToString(h.Sum(nil)) != want.SHA256:
		p.Problem("%s was changed: its SHA-256 is not that of the manifest", want.Name)
	}
}

func hash(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

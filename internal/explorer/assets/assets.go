// Package assets holds the files that pages of the explorer load: style, scripts,
// and the libraries that draw charts and arrange graphs.
//
// Libraries lie under vendor as their packages publish them, with their licenses.
// The manifest there names each package, its version, the checksum under which it is
// published, and the checksum of each file.
package assets

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"
)

//go:embed *.css *.js *.svg vendor
var files embed.FS

// Set is the assets under addresses that change with what is in them, so that
// browsers may keep them for ever. It is safe for concurrent use.
type Set struct{ prefix string }

// New makes the set.
func New() (*Set, error) {
	sum := sha256.New()
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := files.ReadFile(name)
		sum.Write(fmt.Appendf(nil, "%s %d\n", name, len(content)))
		sum.Write(content)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read assets: %w", err)
	}
	return &Set{prefix: "/assets/" + hex.EncodeToString(sum.Sum(nil)[:8]) + "/"}, nil
}

// Prefix is the path under which [Set.ServeHTTP] answers.
func (s *Set) Prefix() string { return s.prefix }

// URL is the address of an asset on this server.
func (s *Set) URL(name string) string { return s.prefix + name }

// ServeHTTP answers with an asset.
func (s *Set) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, s.prefix)
	content, err := files.ReadFile(name)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", contentType(name))
	w.Header().Set("Cache-Control", "private, max-age=31536000, immutable")
	if r.Method == http.MethodHead {
		return
	}
	// Nobody is left to tell when the browser has gone.
	_, _ = w.Write(content) //nolint:gosec // The files are ours, and their types are told.
}

// contentType does not ask the tables of the machine, which may say anything.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".json":
		return "application/json"
	default:
		return "text/plain; charset=utf-8"
	}
}

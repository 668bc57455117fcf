package explorer

import (
	"embed"
	"fmt"
	"html/template"
	"io"
	"net/url"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/conductorone/baton-jumpcloud/internal/explorer/assets"
	"github.com/conductorone/baton-jumpcloud/internal/review/findings"
)

//go:embed pages
var pageFiles embed.FS

// templates are the pages by name, each with the layout around it.
type templates map[string]*template.Template

// parseTemplates reads all pages.
func parseTemplates(files *assets.Set) (templates, error) {
	shared, err := template.New("layout").Funcs(template.FuncMap{
		"asset": files.URL, "number": number, "number64": humanize.Comma, "short": short, "long": long,
	}).ParseFS(pageFiles, "pages/layout.html", "pages/parts.html")
	if err != nil {
		return nil, fmt.Errorf("parse templates: %w", err)
	}
	entries, err := pageFiles.ReadDir("pages")
	if err != nil {
		return nil, fmt.Errorf("parse templates: %w", err)
	}
	all := make(templates)
	for _, entry := range entries {
		name := strings.TrimSuffix(entry.Name(), ".html")
		if name == "layout" || name == "parts" {
			continue
		}
		page, err := shared.Clone()
		if err == nil {
			page, err = page.ParseFS(pageFiles, "pages/"+entry.Name())
		}
		if err != nil {
			return nil, fmt.Errorf("parse templates: %w", err)
		}
		all[name] = page
	}
	return all, nil
}

func (t templates) execute(w io.Writer, name string, f frame) error {
	if err := t[name].ExecuteTemplate(w, "layout", f); err != nil {
		return fmt.Errorf("render %s: %w", name, err)
	}
	return nil
}

// pageAddress is the address of a page of ours with its parameters, written anew: a
// browser reads an address in other ways than we do (it drops tabs, and takes a
// backslash for a slash), so nothing of the text is sent back as it came. Whatever
// names no page leads to the overview.
func pageAddress(text string) string {
	const overview = "/"
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil {
		return overview
	}
	if !isPage(u.Path) {
		return overview
	}
	return (&url.URL{Path: u.Path, RawQuery: u.Query().Encode()}).String()
}

// isPage reports whether a path is that of a page.
func isPage(path string) bool {
	if name, report := strings.CutPrefix(path, "/reports/"); report {
		return slices.ContainsFunc(findings.Reports(), func(r findings.Info) bool { return r.Name == name })
	}
	_, found := pageTable()[path]
	return found && !strings.Contains(path, "{") || path == "/" || path == reviewPath
}

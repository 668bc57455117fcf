package portal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	"github.com/conductorone/baton-jumpcloud/internal/explorer"
	"github.com/conductorone/baton-jumpcloud/internal/explorer/assets"
	"github.com/conductorone/baton-jumpcloud/internal/explorer/library"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
)

// shelf holds the archives that are shown, one for each application. It is safe for
// concurrent use.
type shelf struct {
	assets *assets.Set
	logger *slog.Logger

	closing sync.WaitGroup // of archives that were replaced

	mu   sync.Mutex
	open map[int]*shown
}

// shown is the archive of an application.
type shown struct {
	library *library.Library
	// reader is that of the library, and sync the id of what is shown.
	reader   *c1z.Reader
	sync     string
	explorer *explorer.Explorer
	// both is the address of somebody who is a user and an administrator, and admin the
	// ID of an administrator; empty where there is none.
	both, admin string
	users       sync.WaitGroup // requests that are answered from it
}

func (s *shown) close() error {
	s.users.Wait()
	return s.library.Close()
}

// put shows an archive in place of the one before.
func (s *shelf) put(ctx context.Context, a *app, path string) (err error) {
	n := new(shown)
	// A library outlives the call that opens it.
	if n.library, err = library.Open(context.WithoutCancel(ctx), []string{path}, c1z.OpenOptions{Logger: s.logger}); err != nil {
		return err
	}
	n.reader, n.sync = n.library.Reader(n.library.First()), n.library.First().Sync
	if err := n.findExamples(ctx); err != nil {
		return errors.Join(err, n.close())
	}
	var tabs []explorer.Link
	for _, t := range tabsOf(a, tabNone) {
		tabs = append(tabs, explorer.Link{Title: t.Title, URL: t.URL})
	}
	n.explorer, err = explorer.New(explorer.Config{Library: n.library, Logger: s.logger, Within: &explorer.Within{
		Prefix: dataURL(a.ID), Notice: notice,
		Nav:  []explorer.Link{{Title: "Connectors", URL: "/connectors"}, {Title: "Applications", URL: "/applications"}},
		Tabs: tabs,
		Entitlement: func(id string) explorer.Link {
			return explorer.Link{Title: "Grant or revoke", URL: changeURL(a.ID, id)}
		},
	}})
	if err != nil {
		return errors.Join(err, n.close())
	}
	s.mu.Lock()
	before := s.open[a.ID]
	s.open[a.ID] = n
	s.mu.Unlock()
	if before != nil {
		// Whoever is being answered from it may want what the caller holds.
		s.closing.Go(func() {
			if err := before.close(); err != nil {
				s.logger.WarnContext(ctx, "archive not closed", "error", err)
			}
		})
	}
	return nil
}

// findExamples finds accounts that show what the questions about JumpCloud data mean.
func (s *shown) findExamples(ctx context.Context) error {
	accounts := make(map[string]int)
	for r, err := range s.reader.Resources(ctx, s.sync, c1z.ResourceFilter{Type: restype.User}) {
		if err != nil {
			return err
		}
		email := strings.ToLower(emailOf(r))
		if accounts[email]++; email != "" && accounts[email] == 2 && s.both == "" {
			s.both = email
		}
	}
	for g, err := range s.reader.GrantKeys(ctx, s.sync, c1z.GrantFilter{Entitlement: "app:" + restype.AdministrationAppID}) {
		if err != nil {
			return err
		}
		s.admin = g.Principal
		break
	}
	return nil
}

// use lends what an application shows; done gives it back. It is nil where nothing has
// arrived.
func (s *shelf) use(app int) (n *shown, done func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n = s.open[app]; n == nil {
		return nil, func() {}
	}
	n.users.Add(1)
	return n, n.users.Done
}

func (s *shelf) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, n := range s.open {
		errs = append(errs, n.close())
	}
	clear(s.open)
	s.closing.Wait()
	return errors.Join(errs...)
}

// showData answers with a page of the explorer.
func (p *Portal) showData(req *request) error {
	n, done := p.shelf.use(req.number())
	defer done()
	if n == nil {
		return errNoPage
	}
	http.StripPrefix(dataURL(req.number()), n.explorer).ServeHTTP(req.w, req.r)
	return nil
}

func appURL(id int) string { return "/applications/" + strconv.Itoa(id) }

func dataURL(id int) string { return appURL(id) + "/data" }

// changeURL is the page on which access by an entitlement is granted and revoked.
func changeURL(app int, entitlement string) string {
	return appURL(app) + "/change?entitlement=" + urlQuery(entitlement)
}

// The tabs of an application.
const (
	tabNone = iota - 1
	tabApplication
	_ // the accounts, which the explorer shows
	tabEntitlements
)

// tabsOf are the tabs of an application that has data.
func tabsOf(a *app, current int) []tab {
	tabs := []tab{{Title: a.Name, URL: appURL(a.ID)}, {Title: "Accounts", URL: dataURL(a.ID) + "/accounts"}, {Title: "Entitlements", URL: dataURL(a.ID) + "/entitlements"}}
	if current != tabNone {
		tabs[current].Current = true
	}
	return tabs
}

func makeDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the folder of a connector: %w", err)
	}
	return nil
}

// removeFile removes an archive that another one has replaced.
func removeFile(path string) {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return // It costs room, and nothing else.
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
)

var links = regexp.MustCompile(`href="([^"]*)"`)

// explorer follows the links of one build's explorer and compares each page with
// the other's.
func (c *comparison) explorer(ctx context.Context, dir, archive string) error {
	var sites [2]*site
	for i, binary := range []string{c.before, c.after} {
		s, err := visit(ctx, dir, binary, archive)
		if err != nil {
			return err
		}
		defer s.server.stop()
		sites[i] = s
	}
	seen := map[string]bool{"/": true}
	for queue := []string{"/"}; len(queue) > 0; queue = queue[1:] {
		var texts [2]string
		for i, s := range sites {
			text, err := s.get(ctx, queue[0])
			if err != nil {
				return fmt.Errorf("page %s: %w", queue[0], err)
			}
			texts[i] = masked(text, dir)
		}
		c.compare("page "+queue[0], texts[0], texts[1])
		for _, found := range links.FindAllStringSubmatch(texts[0], -1) {
			link := html.UnescapeString(found[1])
			if strings.HasPrefix(link, "/") && !strings.HasPrefix(link, "/assets/") && !strings.Contains(link, "format=xlsx") && !seen[link] && len(seen) < c.pages {
				seen[link] = true
				queue = append(queue, link)
			}
		}
	}
	return nil
}

// site is a running explorer and the cookie for it.
type site struct {
	server *server
	base   *url.URL
	client *http.Client
}

func visit(ctx context.Context, dir, binary, archive string) (*site, error) {
	srv, err := start(ctx, dir, binary, "explore", "--no-open", archive)
	if err != nil {
		return nil, err
	}
	base, err := url.Parse(srv.address)
	if err != nil {
		return nil, err
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	s := &site{srv, base, &http.Client{Jar: jar}}
	_, err = s.get(ctx, base.RequestURI())
	return s, err
}

func (s *site) get(ctx context.Context, address string) (string, error) {
	u, err := s.base.Parse(address)
	if err != nil {
		return "", err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return "", err
	}
	response, err := s.client.Do(r)
	if err != nil {
		return "", err
	}
	body, err := io.ReadAll(response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return "", err
	}
	return fmt.Sprintf("%d %s\n%s", response.StatusCode, response.Header.Get("Content-Type"), body), nil
}

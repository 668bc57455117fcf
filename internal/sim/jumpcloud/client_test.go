package jcsim_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	jcsim "github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud"
)

// client asks a server in process, as a program that knows nothing of tenants.
type client struct {
	t       testing.TB
	http    *http.Client
	base    string
	headers map[string]string
}

func newClient(t testing.TB, s *jcsim.Server) *client {
	t.Helper()
	return &client{
		t: t, base: "http://sim", headers: map[string]string{"x-api-key": jcsim.DefaultKey},
		http: &http.Client{Transport: s.RoundTripper(), CheckRedirect: noRedirects},
	}
}

func noRedirects(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// with is the client with other headers.
func (c *client) with(headers map[string]string) *client {
	other := *c
	other.headers = headers
	return &other
}

// response is what came back.
type response struct {
	status int
	header http.Header
	body   string
}

// try sends a request whose failure is part of the test.
func (c *client) try(method, path, body string) (response, error) {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.base+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	for name, value := range c.headers {
		req.Header.Set(name, value)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return response{}, err
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	return response{res.StatusCode, res.Header, string(got)}, err
}

// do sends a request that must be answered.
func (c *client) do(method, path, body string) response {
	c.t.Helper()
	res, err := c.try(method, path, body)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	return res
}

func (c *client) get(path string) response {
	c.t.Helper()
	return c.do(http.MethodGet, path, "")
}

// page is a list of either API.
type page struct {
	TotalCount int
	Results    []map[string]any
}

// list reads a list that must be answered with 200.
func (c *client) list(path string) page {
	c.t.Helper()
	return c.parse(c.get(path))
}

func (c *client) parse(res response) page {
	c.t.Helper()
	if res.status != http.StatusOK {
		c.t.Fatalf("status %d: %s", res.status, res.body)
	}
	p := page{TotalCount: -1}
	var err error
	if strings.HasPrefix(res.body, "[") {
		err = json.Unmarshal([]byte(res.body), &p.Results)
		if total := res.header.Get("x-total-count"); total != "" {
			err = json.Unmarshal([]byte(total), &p.TotalCount)
		}
	} else {
		err = json.Unmarshal([]byte(res.body), &p)
	}
	if err != nil {
		c.t.Fatalf("%v: %s", err, res.body)
	}
	return p
}

// all reads a list to its end by the rule for lists with holes: in steps of the
// limit, up to the total, or to the first empty page where there is none.
func (c *client) all(path string, limit int) []map[string]any {
	c.t.Helper()
	sep := "?"
	if strings.Contains(path, "?") {
		sep = "&"
	}
	var rows []map[string]any
	for skip := 0; ; skip += limit {
		q := url.Values{"limit": {itoa(limit)}, "skip": {itoa(skip)}}
		p := c.list(path + sep + q.Encode())
		rows = append(rows, p.Results...)
		if p.TotalCount >= 0 && skip+limit >= p.TotalCount || p.TotalCount < 0 && len(p.Results) == 0 {
			return rows
		}
	}
}

func itoa(n int) string {
	b, _ := json.Marshal(n) //nolint:errchkjson // an int
	return string(b)
}

// ids are the ids of rows of any kind, in their order.
func ids(rows []map[string]any) []string {
	list := []string{}
	for _, row := range rows {
		if to, ok := row["to"].(map[string]any); ok {
			row = to
		}
		id, ok := row["_id"].(string)
		if !ok {
			id, _ = row["id"].(string)
		}
		list = append(list, id)
	}
	return list
}

// column is one field of rows.
func column(rows []map[string]any, name string) []any {
	list := []any{}
	for _, row := range rows {
		list = append(list, row[name])
	}
	return list
}

// borealis is the tenant of the documentation's example.
func borealis(t testing.TB) *jcsim.Tenant {
	t.Helper()
	f, err := os.Open("testdata/borealis.json")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	tenant, err := jcsim.Load(f)
	if err != nil {
		t.Fatal(err)
	}
	return tenant
}

// must returns a value whose error would be a fault of the test.
func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

package browser_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"testing"
)

// answer is what a site answered.
type answer struct {
	status int
	header http.Header
	body   []byte
	url    string // after redirects
}

// newVisitor makes an HTTP client that keeps cookies, as a browser does.
func newVisitor() *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		panic(err) // it has no options that could be wrong
	}
	return &http.Client{Jar: jar}
}

// get asks for a page and reads it.
func get(t testing.TB, c *http.Client, url string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return do(t, c, req)
}

func do(t testing.TB, c *http.Client, req *http.Request) answer {
	t.Helper()
	res, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, body, res.Request.URL.String()}
}

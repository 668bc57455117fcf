package notify_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/notify"
	"github.com/conductorone/baton-jumpcloud/internal/secret"
)

// receiver answers posts with one status after the other, and keeps what came.
type receiver struct {
	mu       sync.Mutex
	statuses []int
	posts    []post
}

type post struct {
	at                        time.Time
	delivery, signature, body string
}

// RoundTrip implements [http.RoundTripper].
func (r *receiver) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.posts = append(r.posts, post{time.Now(), req.Header.Get(notify.HeaderDelivery), req.Header.Get(notify.HeaderSignature), string(body)})
	status := http.StatusNoContent
	if len(r.statuses) > 0 {
		status, r.statuses = r.statuses[0], r.statuses[1:]
	}
	if status == 0 {
		return nil, errors.New("connection refused")
	}
	h := http.Header{"Location": {"https://elsewhere.example/"}}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader("x")), Request: req}, nil
}

// TestWebhook posts messages, again where that may help, always under the same delivery and with
// a signature of its own.
func TestWebhook(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		statuses []int
		posts    int
		took     time.Duration
		says     string
	}{
		"at once":             {nil, 1, 0, "posted to the webhook"},
		"after failures":      {[]int{500, 429, 0, 503}, 5, 15 * time.Second, "posted to the webhook"},
		"refused":             {[]int{401}, 1, 0, "HTTP 401"},
		"sent elsewhere":      {[]int{302}, 1, 0, "HTTP 302"},
		"never":               {[]int{500, 500, 500, 500, 500, 500, 500, 500, 500, 500, 500}, 10, 367 * time.Second, "a message could not be posted"},
		"no answer for a bit": {[]int{0}, 2, time.Second, "posted to the webhook"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var said strings.Builder
				r := &receiver{statuses: c.statuses}
				w, err := notify.NewWebhook("https://example.com/hook?token=hush", secret.New("key"), r, slog.New(slog.NewTextHandler(&said, nil)))
				if err != nil {
					t.Fatal(err)
				}
				ctx, stop := context.WithCancel(t.Context())
				ended := make(chan struct{})
				go func() { defer close(ended); w.Run(ctx) }()
				began := time.Now()
				w.Post(ctx, "sync-1", []byte(`{"changes":1}`))
				<-time.After(time.Hour)
				stop()
				<-ended
				if len(r.posts) != c.posts || !strings.Contains(said.String(), c.says) || strings.Contains(said.String(), "hush") {
					t.Fatalf("%d posts, want %d; %s", len(r.posts), c.posts, &said)
				}
				for _, p := range r.posts {
					stamp, mac, _ := strings.Cut(strings.TrimPrefix(p.signature, "t="), ",v1=")
					want := hmac.New(sha256.New, []byte("key"))
					_, _ = want.Write([]byte(stamp + "." + p.body))
					if p.delivery != "sync-1" || p.body != `{"changes":1}` || mac != hex.EncodeToString(want.Sum(nil)) {
						t.Errorf("post %+v", p)
					}
				}
				if took := r.posts[len(r.posts)-1].at.Sub(began); took != c.took {
					t.Errorf("it took %s, want %s", took, c.took)
				}
			})
		})
	}
}

// TestWebhookNeverBlocks has more messages than wait: what is too much is said, and nobody waits.
func TestWebhookNeverBlocks(t *testing.T) {
	t.Parallel()
	var said strings.Builder
	w, err := notify.NewWebhook("https://example.com", secret.New("key"), &receiver{}, slog.New(slog.NewTextHandler(&said, nil)))
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		w.Post(t.Context(), "x", nil)
	}
	if n := strings.Count(said.String(), "too many wait"); n != 4 {
		t.Errorf("%d of 20 messages are not posted", n)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	w.Run(ctx)
}

// TestWebhookAddresses refuses addresses that would tell others what changed.
func TestWebhookAddresses(t *testing.T) {
	t.Parallel()
	for address, good := range map[string]bool{
		"https://example.com/x": true, "http://127.0.0.1:8080/x": true, "http://localhost/": true, "http://[::1]:1/": true,
		"http://example.com": false, "http://127.0.0.1.example.com": false, "ftp://example.com": false, "https://": false, "x": false, "https://u:p@example.com": false, "": false,
	} {
		if _, err := notify.NewWebhook(address, secret.New("key"), nil, nil); (err == nil) != good {
			t.Errorf("%q: %v", address, err)
		}
	}
	if _, err := notify.NewWebhook("https://example.com", secret.New(""), nil, nil); err == nil {
		t.Error("a webhook without a secret is made")
	}
}

// TestRun gives a command its input, keeps our settings from it, and ends it with all that it started.
func TestRun(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // The commands are those of a Unix shell.
	}
	t.Setenv("BATON_API_KEY", "hush")
	out := filepath.Join(t.TempDir(), "out")
	if err := notify.Run(t.Context(), `cat > "`+out+`"; env | grep -c BATON_ >> "`+out+`"; true`, []byte("news\n")); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(out); err != nil || string(got) != "news\n0\n" {
		t.Errorf("the command saw %q (%v)", got, err)
	}
	if err := notify.Run(t.Context(), "echo first; seq 10000; echo why; exit 3", nil); err == nil || !strings.Contains(err.Error(), "exit status 3") ||
		!strings.HasSuffix(err.Error(), "why") || len(err.Error()) > 3000 {
		t.Errorf("a command that fails gives %.200v", err)
	}
	// What it leaves behind holds a pipe open, whose other end is closed once that has ended.
	left := filepath.Join(t.TempDir(), "left")
	if err := notify.Run(t.Context(), `mkfifo "`+left+`"; (exec 3<>"`+left+`"; sleep 1000) >/dev/null 2>&1 & echo $! > "`+left+`.pid"`, nil); err != nil {
		t.Fatal(err)
	}
	if pid, err := os.ReadFile(left + ".pid"); err != nil || notify.Run(t.Context(), "while kill -0 "+strings.TrimSpace(string(pid))+" 2>/dev/null; do :; done", nil) != nil {
		t.Errorf("what a command started goes on without it (%v)", err)
	}
	ctx, stop := context.WithCancel(t.Context())
	began := time.Now()
	pipe := filepath.Join(t.TempDir(), "began")
	go func() {
		for ctx.Err() == nil {
			if _, err := os.Stat(pipe); err == nil {
				stop()
			}
			runtime.Gosched()
		}
	}()
	if err := notify.Run(ctx, `touch "`+pipe+`"; sleep 1000 & wait`, nil); err == nil || time.Since(began) > time.Minute {
		t.Errorf("a command that is stopped ends after %s with %v", time.Since(began), err)
	}
}

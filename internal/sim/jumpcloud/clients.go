package jcsim

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// Clients is a server on loopback whose clients are processes, one after the other. A
// process that was killed leaves requests behind that arrive later, and would be taken
// for those of the next one; [Clients.Forget] tells them apart. It is safe for
// concurrent use.
type Clients struct {
	// URL is the server's address, such as http://127.0.0.1:8090.
	URL string

	server *http.Server
	served chan struct{} // closed when the server has ended
	next   http.Handler

	serving sync.RWMutex // held by every request that is served
	accept  sync.Mutex   // guards epoch
	epoch   epoch        // of new connections
}

// epoch is the time of the processes that are served; it ends with its context.
type epoch struct {
	context.Context //nolint:containedctx // An epoch is the life of all its requests.
	end             context.CancelFunc
}

func newEpoch(ctx context.Context) epoch {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	return epoch{ctx, cancel}
}

// Serve starts the server. Close ends it.
func Serve(ctx context.Context, next http.Handler) (*Clients, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("serve clients: %w", err)
	}
	c := &Clients{URL: "http://" + listener.Addr().String(), served: make(chan struct{}), next: next, epoch: newEpoch(ctx)}
	c.server = &http.Server{Handler: c, ConnContext: c.accepted, ReadHeaderTimeout: time.Minute}
	go func() {
		defer close(c.served)
		_ = c.server.Serve(listener) // Close ends it.
	}()
	return c, nil
}

// Close ends the server and the connections of its clients.
func (c *Clients) Close() error {
	err := c.server.Close()
	<-c.served
	c.accept.Lock()
	defer c.accept.Unlock()
	c.end()
	return err
}

// epochKey is the key of a connection's epoch.
type epochKey struct{}

// accepted notes of which epoch a connection is. The server calls it in the order in
// which connections were made.
func (c *Clients) accepted(ctx context.Context, _ net.Conn) context.Context {
	c.accept.Lock()
	defer c.accept.Unlock()
	return context.WithValue(ctx, epochKey{}, c.epoch)
}

// barrier is the path of a request that is no client's.
const barrier = "/_clients/barrier"

// ServeHTTP implements [http.Handler].
func (c *Clients) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == barrier {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	c.serving.RLock()
	defer c.serving.RUnlock()
	e, ok := r.Context().Value(epochKey{}).(epoch)
	if !ok || e.Err() != nil {
		panic(http.ErrAbortHandler) // of a process that is no more
	}
	// The end of a connection is not noticed while the body of a request is unread.
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(e, cancel)()
	c.next.ServeHTTP(w, r.WithContext(ctx))
}

// end ends the epoch, and waits for the requests that are served.
func (c *Clients) end() {
	c.epoch.end()
	c.serving.Lock()
	defer c.serving.Unlock()
}

// Forget ends whatever the processes so far still have under way, and waits for what
// is being served. It must be called when they have ended, and nothing but the end of
// their context may hold requests up.
func (c *Clients) Forget(ctx context.Context) error {
	// When this connection is served, all those that were made before it have been
	// accepted.
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.URL+barrier, nil)
	if err != nil {
		return fmt.Errorf("forget clients: %w", err)
	}
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		return fmt.Errorf("forget clients: %w", err)
	}
	if err := resp.Body.Close(); err != nil {
		return fmt.Errorf("forget clients: %w", err)
	}
	c.accept.Lock()
	defer c.accept.Unlock()
	c.end()
	c.epoch = newEpoch(ctx)
	return nil
}

package c1sim

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	pb "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connectorapi/baton/v1"
	"github.com/conductorone/baton-jumpcloud/internal/sim/conductorone/endpoint"
)

// ClientOptions are who a client is and how often it is asked to sync.
type ClientOptions struct {
	// Name is the part of the client id before the @; made up if empty.
	Name string
	// KeyID is the id of the client's key; usually there is none.
	KeyID string
	// ID and Key are the client id and the public key of an earlier run; an empty ID
	// makes both afresh.
	ID  string
	Key ed25519.PublicKey
	// SyncEvery is how often a full sync is queued; 0 is never.
	SyncEvery time.Duration
	// Dir keeps what is uploaded; "" keeps nothing.
	Dir string
}

// A Client is a connector that may call, and what is queued for it. It is safe for
// concurrent use.
type Client struct {
	s      *Server
	dir    string
	tokens *tokens
	queue  *queue

	mu   sync.Mutex
	seen time.Time // when it last called with its present credentials
}

// AddClient lets another connector call.
func (s *Server) AddClient(opts ClientOptions) (*Client, error) {
	id := &identity{clientID: opts.ID, audience: endpoint.Host(s.opts.Host), keyID: opts.KeyID, verify: opts.Key}
	if opts.ID == "" {
		var err error
		if id, err = newIdentity(cmp.Or(opts.Name, madeUpName()), s.opts.Host, opts.KeyID); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	seed := s.opts.Seed + uint64(len(s.clients))
	c := &Client{s: s, dir: opts.Dir, tokens: newTokens(id, s.opts.TokenLife), queue: newQueue(seed, s.opts.Lease, opts.SyncEvery)}
	s.clients = append(s.clients, c)
	return c, nil
}

// madeUpName is a client's name that nobody else has.
func madeUpName() string { return "simulated-" + strings.ToLower(rand.Text()[:8]) }

// RemoveClient lets a connector call no longer.
func (s *Server) RemoveClient(c *Client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clients = slices.DeleteFunc(s.clients, func(other *Client) bool { return other == c })
}

// Clients are the connectors that may call.
func (s *Server) Clients() []*Client {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.clients)
}

// clientOf finds who asks for a token; the first client where the form names nobody
// that is known, so that its check says what is wrong.
func (s *Server) clientOf(r *http.Request) *Client {
	if err := r.ParseForm(); err == nil {
		for _, c := range s.Clients() {
			if c.tokens.identity().clientID == r.PostForm.Get("client_id") {
				return c
			}
		}
	}
	return s.first
}

// clientKey is the key of the calling client in a context.
type clientKey struct{}

// clientFrom is the client that calls.
func clientFrom(ctx context.Context) *Client {
	c, _ := ctx.Value(clientKey{}).(*Client)
	return c
}

// Rotate gives the client a new id and secret; the old ones are good no longer.
func (c *Client) Rotate() (clientID, clientSecret string, err error) {
	id, err := newIdentity(madeUpName(), c.s.opts.Host, "")
	if err != nil {
		return "", "", err
	}
	c.tokens.replace(id)
	c.called(time.Time{})
	return id.clientID, id.clientSecret, nil
}

// Public is what an earlier run has to know of the client: its id and public key.
func (c *Client) Public() (clientID string, key ed25519.PublicKey) {
	id := c.tokens.identity()
	return id.clientID, id.verify
}

// called remembers when the client called.
func (c *Client) called(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen = now
}

// Seen is when the client last called with its present credentials; zero if it has not.
func (c *Client) Seen() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen
}

// Schedule changes how often a full sync is queued; 0 is never.
func (c *Client) Schedule(every time.Duration) { c.queue.schedule(every) }

// Enqueue queues a copy of a task and returns its id, which it makes up if the
// task has none.
func (c *Client) Enqueue(t *pb.Task) string { return c.queue.add(t) }

// Cancel cancels a task that has not ended.
func (c *Client) Cancel(id string) { c.queue.cancel(id) }

// Tasks are what became of all tasks, oldest first.
func (c *Client) Tasks() []TaskInfo { return c.queue.snapshot() }

// Task is what became of one task. An unknown one has no State.
func (c *Client) Task(id string) TaskInfo {
	for _, info := range c.queue.snapshot() {
		if info.Task.GetId() == id {
			return info
		}
	}
	return TaskInfo{}
}

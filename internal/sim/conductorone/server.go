package c1sim

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"google.golang.org/grpc"

	pb "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connectorapi/baton/v1"
	simcert "github.com/conductorone/baton-jumpcloud/internal/sim/cert"
	"github.com/conductorone/baton-jumpcloud/internal/sim/conductorone/endpoint"
)

// Options are how a server behaves. Only Host is required.
type Options struct {
	// Host is what the client id names: host or host:port.
	Host string
	// Name is the part of the client id before the @; "simulated-connector" if empty.
	Name string
	// KeyID is the id of the client's key; usually there is none.
	KeyID string
	// SyncEvery is how often a full sync is queued; 0 is never. The first is due at
	// once, and none is queued while another is open.
	SyncEvery time.Duration
	// IdlePoll is when the client is told to ask again after it got nothing; 10 s if 0.
	IdlePoll time.Duration
	// BusyPoll is when the client is told to ask again after it got something.
	BusyPoll time.Duration
	// NextHeartbeat is when the client is told to beat again; 0 leaves it to the client.
	NextHeartbeat time.Duration
	// Lease is how long a task may go without a sign of life; 5 min if 0.
	Lease time.Duration
	// TokenLife is how long an access token is good; 1 h if 0.
	TokenLife time.Duration
	// CA and Certificate are what the server shows, as of an earlier run; a nil CA makes
	// both afresh.
	CA          []byte
	Certificate tls.Certificate
	// Dir keeps what is uploaded, as <task id>.c1z and <task id>.log; "" keeps nothing.
	Dir string
	// Faults spoil calls; nil spoils none.
	Faults Faults
	// Seed makes task ids.
	Seed uint64
	// MaxEvents bounds the record; 0 keeps every event.
	MaxEvents int
	// Logger gets what the HTTP server complains of; nil drops it.
	Logger *slog.Logger
}

// A Server is a stand-in for ConductorOne. It is safe for concurrent use.
type Server struct {
	*endpoint.Server

	opts   Options
	ca     []byte // PEM
	first  *Client
	faults *faultBox
	record *record

	mu      sync.Mutex
	clients []*Client
}

// New makes a server with credentials and certificates of its own.
func New(opts Options) (*Server, error) {
	if opts.Host == "" {
		return nil, errors.New("simulate ConductorOne: no host")
	}
	opts.Name = cmp.Or(opts.Name, "simulated-connector")
	opts.IdlePoll = cmp.Or(opts.IdlePoll, 10*time.Second)
	opts.Lease = cmp.Or(opts.Lease, 5*time.Minute)
	opts.TokenLife = cmp.Or(opts.TokenLife, time.Hour)
	opts.Logger = cmp.Or(opts.Logger, slog.New(slog.DiscardHandler))
	s := &Server{
		opts:   opts,
		ca:     opts.CA,
		faults: &faultBox{faults: opts.Faults, calls: map[string]int{}},
		record: &record{limit: opts.MaxEvents},
	}
	var err error
	if s.first, err = s.AddClient(ClientOptions{Name: opts.Name, KeyID: opts.KeyID, SyncEvery: opts.SyncEvery, Dir: opts.Dir}); err != nil {
		return nil, fmt.Errorf("simulate ConductorOne: %w", err)
	}
	certificate := opts.Certificate
	if s.ca == nil {
		if s.ca, certificate, err = simcert.New("c1sim", endpoint.Host(opts.Host), time.Now()); err != nil {
			return nil, fmt.Errorf("simulate ConductorOne: make the server's certificate: %w", err)
		}
	}
	calls := grpc.NewServer(grpc.ChainUnaryInterceptor(s.intercept))
	pb.RegisterBatonServiceServer(calls, service{s: s})
	s.Server = endpoint.New(calls, s.serveToken, certificate, slog.NewLogLogger(opts.Logger.Handler(), slog.LevelDebug))
	return s, nil
}

// CA is the PEM of the certificate authority that signed the server's certificate.
func (s *Server) CA() []byte { return s.ca }

// WriteCA writes the PEM of CA to a file, which SSL_CERT_FILE may then name.
func (s *Server) WriteCA(path string) error {
	if err := os.WriteFile(path, s.ca, 0o600); err != nil {
		return fmt.Errorf("write the certificate authority: %w", err)
	}
	return nil
}

// WithdrawTokens ends every access token before its time.
func (s *Server) WithdrawTokens() {
	for _, c := range s.Clients() {
		c.tokens.withdraw()
	}
}

// Credentials are the client id and secret of the first client.
func (s *Server) Credentials() (clientID, clientSecret string) {
	id := s.first.tokens.identity()
	return id.clientID, id.clientSecret
}

// Enqueue queues a task for the first client, see [Client.Enqueue].
func (s *Server) Enqueue(t *pb.Task) string { return s.first.Enqueue(t) }

// Cancel cancels a task of the first client that has not ended.
func (s *Server) Cancel(id string) { s.first.Cancel(id) }

// Tasks are what became of all tasks of the first client, oldest first.
func (s *Server) Tasks() []TaskInfo { return s.first.Tasks() }

// Task is what became of one task of the first client. An unknown one has no State.
func (s *Server) Task(id string) TaskInfo { return s.first.Task(id) }

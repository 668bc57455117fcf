package platform

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
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
	// TokenLife is what is said of how long tokens are good, in seconds; 0 says nothing
	// and negative is one hour.
	TokenLife int
	// TokenType is the type of tokens; DPoP if empty.
	TokenType string
	// RefuseTokens refuses every token, and quotes it.
	RefuseTokens bool
	// OneUseNonces accepts each nonce of a proof once only.
	OneUseNonces bool
	// Token answers a token request in the server's place where its status is not 0: with
	// an OAuth error and a header DPoP-Nonce, each empty for none.
	Token func(n int) (status int, oauthError, nonce string)
	// Config answers a request for a configuration. It is required for those.
	Config func(requestedVersion string) (Config, error)
}

// Config is a configuration as the platform keeps it.
type Config struct {
	// Settings are values by the names of flags; Plaintext takes their place where it is
	// not nil, and Encrypted that of the whole file.
	Settings             map[string]any
	Plaintext, Encrypted []byte
	Version              string // empty for none
	LastUpdated          time.Time
	Policy               *pb.ServedPolicyEnvelope
}

// Call is what a request for a configuration looked like.
type Call struct {
	Method, Token, UserAgent, RequestedVersion string
}

// Server is the part of the platform that a hosted connector calls: the token endpoint
// and the configuration service, on one address. It is safe for concurrent use.
type Server struct {
	*endpoint.Server

	options                Options
	clientID, clientSecret string
	client                 ed25519.PublicKey
	ca                     []byte

	mu            sync.Mutex
	nonce         string
	tokens        map[string]tokenInfo
	proofs        map[string]bool // ids that were seen
	tokenRequests int
	calls         []Call
	problems      []error
}

// tokenInfo is what is known of a token.
type tokenInfo struct {
	key ed25519.PublicKey
}

// New makes a server with credentials and certificates of its own.
func New(o Options) (*Server, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("simulate the platform: %w", err)
	}
	jwk, err := json.Marshal(map[string]string{
		"kty": "OKP", "crv": "Ed25519", "x": base64.RawURLEncoding.EncodeToString(public), "d": base64.RawURLEncoding.EncodeToString(private.Seed()),
	})
	if err != nil {
		return nil, fmt.Errorf("simulate the platform: %w", err)
	}
	ca, certificate, err := simcert.New("c1sim", endpoint.Host(o.Host), time.Now())
	if err != nil {
		return nil, fmt.Errorf("simulate the platform: %w", err)
	}
	s := &Server{
		options: o, client: public, ca: ca,
		clientID:     "simulated-connector@" + o.Host + "/hosted",
		clientSecret: "simulated:c1sim:v1:" + base64.RawURLEncoding.EncodeToString(jwk),
		nonce:        rand.Text(), tokens: make(map[string]tokenInfo), proofs: make(map[string]bool),
	}
	calls := grpc.NewServer()
	pb.RegisterConnectorConfigServiceServer(calls, configService{s: s})
	s.Server = endpoint.New(calls, s.serveToken, certificate, nil)
	return s, nil
}

// Credentials are the client id and secret that the server accepts.
func (s *Server) Credentials() (clientID, clientSecret string) { return s.clientID, s.clientSecret }

// CA is the PEM of the certificate authority that signed the server's certificate.
func (s *Server) CA() []byte { return s.ca }

// WithdrawTokens ends every token before its time.
func (s *Server) WithdrawTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.tokens)
}

// TokenRequests is how many token requests there were.
func (s *Server) TokenRequests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tokenRequests
}

// Calls are the calls that were answered, oldest first.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Call(nil), s.calls...)
}

// Problems are what was wrong with requests that were refused, oldest first.
func (s *Server) Problems() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(s.problems...)
}

// refuse records why a request is refused. The caller holds no lock.
func (s *Server) refuse(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.problems = append(s.problems, err)
	return err
}

// Start serves on a free port of loopback until the context ends. It returns when the
// server can be reached.
func Start(ctx context.Context, o Options) (*Server, error) {
	var listen net.ListenConfig
	l, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("simulate the platform: %w", err)
	}
	o.Host = l.Addr().String()
	s, err := New(o)
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = s.Serve(l) // It ends with Close.
	}()
	context.AfterFunc(ctx, func() { _ = s.Close(); <-ended })
	return s, nil
}

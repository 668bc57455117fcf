package c1api

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"
	"unicode/utf8"

	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/logging"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/timeout"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-jumpcloud/internal/egress"
	pb "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connectorapi/baton/v1"
)

const (
	defaultPort = "443"
	// connectTimeout bounds one attempt to connect.
	connectTimeout = 30 * time.Second
	// reconnectDelay is the longest pause between two attempts to connect. It is
	// shorter than the agent's longest back-off, so that a poll finds it over.
	reconnectDelay = 30 * time.Second
	// unaryTimeout ends a call that nobody answers; every answer is a quick one.
	unaryTimeout = time.Minute
	// pingAfter is how long a connection may be silent under a waiting call before
	// it is tested. Servers refuse pings that come more often than every five
	// minutes.
	pingAfter = 6 * time.Minute
	// pingTimeout is how long the test may take before the connection counts as
	// broken.
	pingTimeout = 20 * time.Second

	maxHostID = 256
)

// DialFunc opens a connection to host:port.
type DialFunc func(ctx context.Context, addr string) (net.Conn, error)

// Options say how to reach ConductorOne.
type Options struct {
	// Credentials are required.
	Credentials *Credentials
	// APIHost, from BATON_C1_API_HOST, takes the place of the client id's host for
	// both tokens and calls. It may name a port. Empty means the client id's host.
	APIHost string
	// HTTPTimeout bounds one token request; 0 means 300 s.
	HTTPTimeout time.Duration
	// Proxies are those that ConductorOne is reached through; nil means none.
	Proxies *egress.Proxies
	// RootCAs are trusted instead of the system's; nil means the system's, to which
	// SSL_CERT_FILE adds as Go's standard library has it.
	RootCAs *x509.CertPool
	// Dial takes the place of the system's network, proxies included; nil means the
	// system's network and Proxies.
	Dial DialFunc
	// Logger gets one line a call at debug level. It is required.
	Logger *slog.Logger
}

// A Conn is the connection to ConductorOne and the service at its other end. It
// is safe for concurrent use.
type Conn struct {
	pb.BatonServiceClient
	conn *grpc.ClientConn
}

// Dial makes the connection ready without waiting for it: the first call
// connects. Each unary call ends after a minute at the latest.
func Dial(opts Options) (*Conn, error) {
	if opts.Credentials == nil {
		return nil, errors.New("dial ConductorOne: no credentials")
	}
	host := opts.Credentials.host
	if opts.APIHost != "" {
		host = opts.APIHost
	}
	httpTimeout := opts.HTTPTimeout
	if httpTimeout == 0 {
		httpTimeout = defaultHTTPTime
	}
	tokens := NewTokenSource(TokenOptions{
		Credentials: opts.Credentials, Host: host, Proxies: opts.Proxies, RootCAs: opts.RootCAs, Timeout: httpTimeout, Dial: opts.Dial,
	})
	conn, err := connect(opts, host, opts.Credentials.name+" baton-sdk/"+sdkVersion, tokens, grpc.WithPerRPCCredentials(perCall{tokens}))
	if err != nil {
		return nil, err
	}
	return &Conn{BatonServiceClient: pb.NewBatonServiceClient(conn), conn: conn}, nil
}

// connect makes a connection to a host ready. How calls carry a token is in extra.
func connect(opts Options, host, userAgent string, tokens *TokenSource, extra ...grpc.DialOption) (*grpc.ClientConn, error) {
	log := logging.LoggerFunc(func(ctx context.Context, level logging.Level, msg string, fields ...any) {
		opts.Logger.Log(ctx, slog.Level(level), msg, fields...)
	})
	quiet := []logging.Option{
		logging.WithLogOnEvents(logging.FinishCall),
		logging.WithLevels(func(codes.Code) logging.Level { return logging.LevelDebug }),
		logging.WithDisableLoggingFields(logging.ComponentFieldKey, logging.MethodTypeFieldKey),
	}
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(egress.Credentials(credentials.NewTLS(&tls.Config{MinVersion: tls.VersionTLS12, RootCAs: opts.RootCAs}))),
		grpc.WithUserAgent(userAgent),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: time.Second, Multiplier: 1.6, Jitter: 0.2, MaxDelay: reconnectDelay},
			MinConnectTimeout: connectTimeout,
		}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: pingAfter, Timeout: pingTimeout}),
		grpc.WithChainUnaryInterceptor(logging.UnaryClientInterceptor(log, quiet...), hideUnary(tokens), timeout.UnaryClientInterceptor(unaryTimeout)),
		grpc.WithChainStreamInterceptor(logging.StreamClientInterceptor(log, quiet...), hideStream(tokens)),
		grpc.WithDefaultCallOptions(grpc.OnFinish(func(err error) {
			// A token can end before its time: ConductorOne may withdraw it.
			if status.Code(err) == codes.Unauthenticated {
				tokens.Forget()
			}
		})),
		// The connection is kept between polls, however far apart they are.
		grpc.WithIdleTimeout(0),
		grpc.WithDisableServiceConfig(),
	}
	way := &egress.Dialer{Proxies: opts.Proxies, RootCAs: opts.RootCAs}
	if opts.Dial == nil {
		opts.Dial = way.DialContext
	}
	// gRPC's own way through proxies knows those of HTTP only.
	options = append(options, grpc.WithNoProxy(), grpc.WithContextDialer(opts.Dial))
	options = append(options, extra...)
	conn, err := grpc.NewClient(way.Target(address(host)), options...)
	if err != nil {
		return nil, fmt.Errorf("dial ConductorOne at %s: %w", host, err)
	}
	return conn, nil
}

// Close ends the connection and every call on it.
func (c *Conn) Close() error { return c.conn.Close() }

// Closed reports whether the connection was closed: no call on it can succeed again.
func (c *Conn) Closed() bool { return c.conn.GetState() == connectivity.Shutdown }

// address puts the default port behind a host that names none.
func address(host string) string {
	if _, _, err := net.SplitHostPort(host); err == nil {
		return host
	}
	return net.JoinHostPort(host, defaultPort)
}

// perCall puts the token into each call.
type perCall struct{ tokens *TokenSource }

func (p perCall) GetRequestMetadata(ctx context.Context, _ ...string) (map[string]string, error) {
	token, err := p.tokens.Token(ctx)
	if err != nil {
		return nil, err
	}
	return map[string]string{"authorization": token.Type() + " " + token.AccessToken}, nil
}

func (perCall) RequireTransportSecurity() bool { return true }

// hideUnary takes the token out of the errors of calls, and hideStream out of those of
// streams: a server may quote what it was sent.
func hideUnary(tokens *TokenSource) grpc.UnaryClientInterceptor {
	return func(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		return tokens.hide(invoke(ctx, method, req, reply, conn, opts...))
	}
}

func hideStream(tokens *TokenSource) grpc.StreamClientInterceptor {
	return func(ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, method string, open grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
		stream, err := open(ctx, desc, conn, method, opts...)
		if err != nil {
			return nil, tokens.hide(err)
		}
		return &hidingStream{stream, tokens}, nil
	}
}

// hidingStream is a stream of hideStream. The end of a stream, [io.EOF], is no status
// and passes.
type hidingStream struct {
	grpc.ClientStream
	tokens *TokenSource
}

// SendMsg sends a message.
func (s *hidingStream) SendMsg(m any) error { return s.tokens.hide(s.ClientStream.SendMsg(m)) }

// RecvMsg receives a message.
func (s *hidingStream) RecvMsg(m any) error { return s.tokens.hide(s.ClientStream.RecvMsg(m)) }

// HostID is the id under which this process is known to ConductorOne: the
// configured one (BATON_HOST_ID), else the host's name, else "baton-sdk". It has
// 1 to 256 characters.
func HostID(configured string) string {
	id := configured
	if id == "" {
		id, _ = os.Hostname() // A host without a name has the name below.
	}
	if id == "" {
		return "baton-sdk"
	}
	if utf8.RuneCountInString(id) > maxHostID {
		id = string([]rune(id)[:maxHostID])
	}
	return id
}

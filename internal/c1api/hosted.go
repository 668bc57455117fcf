package c1api

import (
	"context"
	"errors"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	pb "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connectorapi/baton/v1"
)

// hostedTokenTimeout bounds one token request of a hosted connector.
const hostedTokenTimeout = 30 * time.Second

// HostedOptions say how a connector that ConductorOne hosts reaches it.
type HostedOptions struct {
	Options
	// TokenHost, from BATON_LAMBDA_TOKEN_HOST, takes the place of the client id's host;
	// empty means that. APIHost, from BATON_LAMBDA_CONFIGURATION_HOST, is the host of
	// calls; empty means the token host.
	TokenHost string
	// Attest returns a statement of who runs this process, which each token request
	// carries. It is required.
	Attest func(context.Context) (string, error)
}

// HostedConn is the connection of a hosted connector to ConductorOne. It is safe for
// concurrent use.
type HostedConn struct {
	pb.ConnectorConfigServiceClient
	// Proof is the key of this process, for which answers are encrypted.
	Proof *ProofKey
	conn  *grpc.ClientConn
}

// Close ends the connection and every call on it.
func (c *HostedConn) Close() error { return c.conn.Close() }

// DialHosted makes the connection of a hosted connector ready without waiting for it.
// Tokens are bound to a key that is made here.
func DialHosted(o HostedOptions) (*HostedConn, error) {
	if o.Credentials == nil || o.Attest == nil {
		return nil, errors.New("dial ConductorOne: no credentials")
	}
	proof, err := NewProofKey()
	if err != nil {
		return nil, err
	}
	tokenHost := o.TokenHost
	if tokenHost == "" {
		tokenHost = o.Credentials.host
	}
	host := o.APIHost
	if host == "" {
		host = tokenHost
	}
	tokens := NewTokenSource(TokenOptions{
		Credentials: o.Credentials, Host: tokenHost, Proxies: o.Proxies, RootCAs: o.RootCAs, Timeout: hostedTokenTimeout, Dial: o.Dial,
		Proof: proof, Attest: o.Attest,
	})
	conn, err := connect(o.Options, host, "baton-lambda/"+o.Credentials.clientID+" "+sdkVersion, tokens,
		grpc.WithChainUnaryInterceptor(proving{tokens, proof, "https://" + host}.call))
	if err != nil {
		return nil, err
	}
	return &HostedConn{ConnectorConfigServiceClient: pb.NewConnectorConfigServiceClient(conn), Proof: proof, conn: conn}, nil
}

// proving puts a token and the proof of it into each call.
type proving struct {
	tokens *TokenSource
	key    *ProofKey
	base   string // https://<host>
}

// call makes a call, and once more with a new token where ConductorOne no longer accepts
// the one that was kept.
func (p proving) call(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	for again := false; ; again = true {
		token, err := p.tokens.Token(ctx)
		if err != nil {
			return err
		}
		proof, err := p.key.proof(p.base+"/"+strings.TrimPrefix(method, "/"), "", token.AccessToken, time.Now())
		if err != nil {
			return err
		}
		sent := metadata.AppendToOutgoingContext(ctx, "authorization", typeDPoP+" "+token.AccessToken, "dpop", proof)
		err = invoke(sent, method, req, reply, conn, opts...)
		if again || status.Code(err) != codes.Unauthenticated {
			return err
		}
		p.tokens.Forget()
	}
}

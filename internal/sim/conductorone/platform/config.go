package platform

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"golang.org/x/crypto/ssh"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connectorapi/baton/v1"
)

// configService serves configurations.
type configService struct {
	pb.UnimplementedConnectorConfigServiceServer
	s *Server
}

// GetConnectorConfig implements [pb.ConnectorConfigServiceServer].
func (c configService) GetConnectorConfig(ctx context.Context, req *pb.GetConnectorConfigRequest) (*pb.GetConnectorConfigResponse, error) {
	key, call, err := c.s.caller(ctx)
	if err != nil {
		return nil, status.Error(codes.Unauthenticated, c.s.refuse(err).Error())
	}
	call.RequestedVersion = req.GetRequestedVersion()
	c.s.mu.Lock()
	c.s.calls = append(c.s.calls, call)
	c.s.mu.Unlock()
	if c.s.options.Config == nil {
		return nil, status.Error(codes.NotFound, "no configuration")
	}
	config, err := c.s.options.Config(req.GetRequestedVersion())
	if err != nil {
		return nil, err
	}
	answer := &pb.GetConnectorConfigResponse{Config: config.Encrypted, ServedPolicyEnvelope: config.Policy}
	if config.Encrypted == nil {
		plain := config.Plaintext
		if plain == nil {
			if plain, err = json.Marshal(config.Settings); err != nil {
				return nil, err
			}
		}
		if answer.Config, err = encrypt(plain, key); err != nil {
			return nil, err
		}
	}
	if config.Version != "" {
		answer.ConfigVersion = &config.Version
	}
	if !config.LastUpdated.IsZero() {
		answer.LastUpdated = timestamppb.New(config.LastUpdated)
	}
	return answer, nil
}

// caller checks token and proof of a call, and returns the key that the answer is for.
func (s *Server) caller(ctx context.Context) (ed25519.PublicKey, Call, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	one := func(name string) string { return strings.Join(md.Get(name), "\n") }
	token, found := strings.CutPrefix(one("authorization"), "DPoP ")
	if !found {
		return nil, Call{}, errors.New("the call carries no DPoP token")
	}
	method, _ := grpc.Method(ctx)
	key, _, err := s.checkProof(one("dpop"), method, token, time.Now())
	if err != nil {
		return nil, Call{}, err
	}
	s.mu.Lock()
	info, good := s.tokens[token]
	s.mu.Unlock()
	switch {
	case !good || s.options.RefuseTokens:
		return nil, Call{}, fmt.Errorf("the token %s is not good", token)
	case !info.key.Equal(key):
		return nil, Call{}, errors.New("the token belongs to another key")
	}
	return key, Call{Method: method, Token: token, UserAgent: one("user-agent")}, nil
}

// encrypt makes a raw age file for an Ed25519 key.
func encrypt(plain []byte, key ed25519.PublicKey) ([]byte, error) {
	public, err := ssh.NewPublicKey(key)
	if err != nil {
		return nil, err
	}
	recipient, err := agessh.NewEd25519Recipient(public)
	if err != nil {
		return nil, err
	}
	var file bytes.Buffer
	w, err := age.Encrypt(&file, recipient)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(plain); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return file.Bytes(), nil
}

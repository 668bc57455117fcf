package hosted

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-jumpcloud/internal/config"
	"github.com/conductorone/baton-jumpcloud/internal/egress"
	"github.com/conductorone/baton-jumpcloud/internal/encryption"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	pb "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connectorapi/baton/v1"
)

// settings are the connector's settings as the platform served them.
type settings struct {
	config *config.Config
	policy *egress.Policy
	// label is the version that a call names to be served with them.
	label string
}

// fetch gets the settings of a version from the platform; empty means the current ones.
// Its errors name fields and types and never a value.
func (f *Function) fetch(ctx context.Context, version string) (settings, error) {
	answer, err := f.conn.GetConnectorConfig(ctx, &pb.GetConnectorConfigRequest{RequestedVersion: version})
	if err != nil {
		return settings{}, fmt.Errorf("lambda-run: failed to get connector config: %w", err)
	}
	plain, err := encryption.Open(answer.GetConfig(), f.conn.Proof.Key())
	if err != nil {
		return settings{}, fmt.Errorf("lambda-run: failed to decrypt config: %w", err)
	}
	served, err := config.ParseServed(plain)
	clear(plain)
	if errors.Is(err, config.ErrServed) {
		return settings{}, fmt.Errorf("lambda-run: failed to unmarshal decrypted config: %w", err)
	}
	if err != nil {
		return settings{}, plainError("lambda-run: failed to make generic configuration", err)
	}
	cfg, err := f.options.Config.Serve(served)
	if err != nil {
		return settings{}, plainError("failed to validate config", err)
	}
	return settings{cfg, policyOf(answer.GetServedPolicyEnvelope(), answer.GetConfigVersion()), label(answer, version)}, nil
}

// plainError is what is wrong with settings. Other connectors end with an ordinary error
// whatever it is, a missing credential included.
func plainError(doing string, err error) error {
	return fault.WithCode(codes.Unknown, "%s: %w", doing, err)
}

// label is the version of settings: that of the answer, else the one that was requested,
// else the time of the last change.
func label(answer *pb.GetConnectorConfigResponse, requested string) string {
	switch {
	case answer.GetConfigVersion() != "":
		return answer.GetConfigVersion()
	case requested != "":
		return requested
	case answer.GetLastUpdated() != nil:
		return answer.GetLastUpdated().AsTime().UTC().Format(time.RFC3339Nano)
	default:
		return ""
	}
}

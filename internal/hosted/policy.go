package hosted

import (
	"net/netip"
	"strings"

	"github.com/conductorone/baton-jumpcloud/internal/egress"
	pb "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connectorapi/baton/v1"
)

// The versions of the policy that are known.
const (
	envelopeVersion = 1
	egressSchema    = 1
)

// policyOf is the policy that a configuration of a version came with; nil for none. One
// that cannot be understood permits nothing.
func policyOf(envelope *pb.ServedPolicyEnvelope, version string) *egress.Policy {
	if envelope == nil {
		return nil
	}
	section := envelope.GetEgress()
	if envelope.GetEnvelopeVersion() != envelopeVersion || envelope.GetConfigVersion() == "" || envelope.GetConfigVersion() != version ||
		section.GetSchemaVersion() != egressSchema {
		return denyAll()
	}
	policy := &egress.Policy{HTTPSOnly: section.GetHttpsOnly(), Enforce: section.GetMode() == pb.EgressMode_EGRESS_MODE_ENFORCE}
	for _, host := range section.GetAllowedHosts() {
		name := strings.TrimSuffix(strings.ToLower(host), ".")
		if !isHostName(name) {
			if policy.Enforce {
				return denyAll()
			}
			continue
		}
		policy.Hosts = append(policy.Hosts, name)
	}
	return policy
}

func denyAll() *egress.Policy { return &egress.Policy{HTTPSOnly: true, Enforce: true} }

// isHostName reports whether a text is one host by its name.
func isHostName(host string) bool {
	if host == "" || strings.ContainsAny(host, "*/:[]") {
		return false // A wildcard, an address, a port, or an IPv6 address.
	}
	_, err := netip.ParseAddr(host)
	return err != nil
}

package findings

import (
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/review"
)

// expiringDays is how soon a key expires that has to be looked into.
const expiringDays = 30

// expiringKeys finds the API keys and credentials that expire soon, have expired, or never do.
// SSH keys have no expiry in JumpCloud.
func expiringKeys(s *review.Sync, r *Report) {
	soon := s.Run.StartedAt.AddDate(0, 0, expiringDays)
	found := false
	for k := range review.Ref(s.Len()) {
		if t := s.Brief(k).Type; t != restype.AdminAPIKey && t != restype.ServiceCredential || s.IsMissing(k) {
			continue
		}
		found = true
		text := profileOf(s, k, "expires_at")
		if at, err := time.Parse(time.RFC3339, text); text == "never" || err == nil && at.Before(soon) {
			r.items = append(r.items, item{resource: k, other: review.NoRef, ent: review.NoEnt})
		}
	}
	if r.Note = "SSH keys have no expiry in JumpCloud and are left out."; !found {
		r.Note = "There are no API keys and credentials in this archive; --sync-secrets has them read."
	}
	r.columns = []column{
		resourceColumn(s, "key", "Key", LinkResource, func(it item) review.Ref { return it.resource }),
		profileColumn(s, "owner", "Belongs to"), profileColumn(s, "expires_at", "Expires (UTC)"),
		profileColumn(s, "created_at", "Created (UTC)"), profileColumn(s, "last_used_at", "Last used (UTC)"),
	}
}

package connector

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/printable"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// never is the expiry in the profile of a credential that does not expire.
const never = "never"

// secretOwner is whom a credential belongs to.
type secretOwner struct {
	id   *v2.ResourceId
	name string
	// unsynced says that the owner's type is not part of the sync, so that the credential
	// names no resource as its identity. The profile tells it anyway.
	unsynced bool
}

// credentialFacts are what is known of a credential. Times are zero where they are not.
type credentialFacts struct {
	created, expires, lastUsed time.Time
	never                      bool // it does not expire
	kind                       v2.SecretTrait_CredentialType
	detail                     string
}

// secretResource makes the resource of a credential.
func secretResource(resourceType, id, name string, owner secretOwner, c credentialFacts, more func(profile)) (*v2.Resource, error) {
	if err := checkID(resourceType, id, name); err != nil {
		return nil, err
	}
	p := profile{}
	p.text(profileOwnerID, owner.id.GetResource())
	p.text("owner_type", owner.id.GetResourceType())
	p.text("owner", owner.name)
	p.text("kind", c.detail)
	p.time("created_at", c.created)
	p.time("last_used_at", c.lastUsed)
	if p.time(profileExpires, c.expires); c.never {
		p.text(profileExpires, never)
	}
	more(p)
	trait := &v2.SecretTrait{CredentialType: c.kind, CredentialDetail: c.detail}
	if !owner.unsynced {
		trait.IdentityId, trait.CreatedById = owner.id, nil
		if resourceType != restype.ServiceCredential {
			trait.CreatedById = owner.id // Users and administrators make their own.
		}
	}
	r := &v2.Resource{Id: resourceID(resourceType, id), DisplayName: printable.Clip(name, MaxDisplayName), Profile: p.message()}
	r.CreatedAt, trait.ExpiresAt, trait.LastUsedAt = stampOf(c.created), stampOf(c.expires), stampOf(c.lastUsed)
	trait.Profile, trait.CreatedAt = r.GetProfile(), r.GetCreatedAt() //nolint:staticcheck // For older readers.
	r.Annotations = Annotations(trait)
	return r, nil
}

// stampOf is a time as a message, nil for one that is not known.
func stampOf(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

// keyID is the id of a credential. One that comes without is called by its owner and its
// name or kind, of which ids counts how many there are.
func keyID(id, owner, name string, ids map[string]int) string {
	if id == "" {
		id = printable.Clip(owner+":"+firstText(name, "key"), MaxID-8)
		if ids[id]++; ids[id] > 1 {
			id += "_" + strconv.Itoa(ids[id])
		}
	}
	return id
}

// apiKeyResource maps the API key of an administrator, who has one at most. Nothing of the
// key is in it but the beginning that JumpCloud shows to tell keys apart.
func apiKeyResource(a *jumpcloud.Admin, unsynced bool) (*v2.Resource, error) {
	owner := secretOwner{resourceID(restype.User, a.ID), firstText(a.Email, a.ID), unsynced}
	return secretResource(restype.AdminAPIKey, a.ID, owner.name+" API key", owner, credentialFacts{
		created: a.KeyCreated, expires: a.KeyExpires, never: a.KeyDescribed && a.KeyExpires.IsZero(),
		kind: v2.SecretTrait_CREDENTIAL_TYPE_STATIC_SECRET, detail: "jumpcloud.admin_api_key",
	}, func(p profile) {
		p.text("prefix", a.KeyPrefix)
		p.flag("api_key_allowed", a.KeyAllowed)
	})
}

// sshKeyResource maps a public key of a user. It does not expire.
func sshKeyResource(u *jumpcloud.User, key *jumpcloud.SSHKey, unsynced bool, ids map[string]int) (*v2.Resource, error) {
	owner := secretOwner{resourceID(restype.User, u.ID), firstText(u.Username, u.Email, u.ID), unsynced}
	return secretResource(restype.SSHKey, keyID(key.ID, u.ID, key.Name, ids), fmt.Sprintf("%s SSH key %s", owner.name, firstText(key.Name, key.ID)), owner, credentialFacts{
		created: key.Created, never: true, kind: v2.SecretTrait_CREDENTIAL_TYPE_ASYMMETRIC_KEY, detail: "ssh_key",
	}, func(profile) {})
}

// fillSSHKeys makes the keys of a user, or the one that owner is.
func (s *Source) fillSSHKeys(page *syncer.Page, k kind, owner syncer.Ref, u *jumpcloud.User) error {
	ids := map[string]int{}
	for i := range u.SSHKeys {
		r, err := sshKeyResource(u, &u.SSHKeys[i], k.noAccounts, ids)
		if err != nil {
			return err
		}
		if owner == (syncer.Ref{}) || owner == refOf(r.GetId()) {
			page.Resources = append(page.Resources, r)
		}
	}
	return nil
}

// fillAPIKey makes the API key of an administrator who has one.
func (s *Source) fillAPIKey(page *syncer.Page, k kind, a *jumpcloud.Admin) error {
	if !a.KeySet.IsTrue() {
		return nil
	}
	r, err := apiKeyResource(a, k.noAccounts)
	if err == nil {
		page.Resources = append(page.Resources, r)
	}
	return err
}

// keys is the type of the credentials that a list brings.
func (c collection) keys() string {
	return map[collection]string{users: restype.SSHKey, admins: restype.AdminAPIKey, serviceAccounts: restype.ServiceCredential}[c]
}

// comesWith is the start of a type that the list of another type brings.
func comesWith(*Source, *syncer.Page, kind, func(string) bool) {}

// apiKeyMapping is about API keys, which the list of administrators brings.
func apiKeyMapping() mapping {
	return mapping{
		id: restype.AdminAPIKey, start: comesWith,
		target: func(ctx context.Context, s *Source, page *syncer.Page, _ kind, target syncer.Ref) error {
			if s.options.SkipAdmins {
				page.Remarks = append(page.Remarks, skippedKeys)
				return nil
			}
			a, err := s.client.Admin(ctx, target.ID)
			if err == nil {
				err = s.adminBelongs(a)
			}
			switch {
			case err != nil:
				return err
			case !a.KeySet.IsTrue():
				return syncer.ErrNotFound
			case s.options.MergeAdmins:
				page.Lists = accountLists() // whose key it is shows in the lists only
			}
			return s.fillAPIKey(page, kind{}, a)
		},
	}
}

// credentialMapping is about credentials, which the list of service accounts brings.
func credentialMapping() mapping {
	return mapping{
		id: restype.ServiceCredential, start: comesWith,
		target: func(_ context.Context, s *Source, page *syncer.Page, _ kind, target syncer.Ref) error {
			k := kind{collection: serviceAccounts, noAccounts: !s.synced(restype.ServiceAccount), noRoles: true, noGrants: true, keys: true}
			page.Lists = append(page.Lists, k.of(target))
			return nil
		},
	}
}

// sshKeyMapping is about SSH keys, which the list of users brings: JumpCloud has no route
// that reads one whose user is not known.
func sshKeyMapping() mapping {
	return mapping{
		id: restype.SSHKey, start: comesWith,
		target: func(_ context.Context, _ *Source, page *syncer.Page, _ kind, target syncer.Ref) error {
			page.Lists = append(page.Lists, kind{collection: users, keys: true}.of(target))
			return nil
		},
	}
}

// skippedKeys is the remark of a sync without administrators.
const skippedKeys = "administrators were left out (--skip-admins): their API keys are not in this archive"

// joinOwners makes the API keys of administrators who were merged with users those of the
// users.
func joinOwners(ctx context.Context, j syncer.Joiner, merged map[string]string) error {
	if len(merged) == 0 {
		return nil
	}
	var changed []*v2.Resource
	for key, err := range j.Resources(ctx, restype.AdminAPIKey) {
		if err != nil {
			return err
		}
		user, ok := merged[key.GetId().GetResource()]
		if !ok {
			continue
		}
		setText(key.GetProfile(), profileOwnerID, user)
		err = editTrait(key, func(trait *v2.SecretTrait) {
			setText(trait.GetProfile(), profileOwnerID, user) //nolint:staticcheck // Old readers look at the trait only.
			for _, id := range []*v2.ResourceId{trait.GetIdentityId(), trait.GetCreatedById()} {
				if id != nil {
					id.Resource = user
				}
			}
		})
		if err != nil {
			return err
		}
		changed = append(changed, key)
	}
	return j.Put(ctx, changed...)
}

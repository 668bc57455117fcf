package jcsim

import (
	"fmt"
	"time"
)

// SSHKeyMaterial is in every generated SSH key, so that a test can search for it wherever it
// must not be.
const SSHKeyMaterial = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5-jcsim-never-store-this"

// credentialEpoch is the day about which generated credentials expire: some before it, most
// after.
var credentialEpoch = time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC) //nolint:gochecknoglobals // a constant

// makeCredentials makes service accounts, API keys of administrators and SSH keys of users.
func (m *maker) makeCredentials() {
	at := func(days int) string { return credentialEpoch.AddDate(0, 0, days).Format(wireTime) }
	names := []string{"gov-sync", "terraform", "siem-export", "backup"}
	roles := m.t.roles.natural
	for i := range m.ServiceAccounts {
		expires := at(20 + 45*(i%8) - 40)
		a := ServiceAccountRecord{Name: m.unique(names[i%len(names)], "-"), RoleName: roles[(i*5+1)%len(roles)].Name, ExpiresAt: expires}
		a.ID, _ = m.objectID(i)
		switch i % 5 {
		case 1:
			a.Credentials = []ServiceCredential{{AuthType: AuthAPIKey, CreatedAt: at(-60), ExpiresAt: expires}}
		case 2:
			a.Status = "INACTIVE"
			a.Credentials = []ServiceCredential{{AuthType: AuthClientSecret}}
		case 3: // without one
		default:
			a.Credentials = []ServiceCredential{{AuthType: AuthClientSecret, CreatedAt: at(-30), ExpiresAt: expires}, {AuthType: AuthClientSecret}}
		}
		_, err := m.t.addServiceAccount(a)
		must(err)
	}
	for i, a := range m.t.admins.natural[:min(m.APIKeys, len(m.t.admins.natural))] {
		a.APIKeyAllowed, a.APIKeySet, a.APIKeyPrefix, a.APIKeyCreated = i%5 != 4, true, fmt.Sprintf("jca_%03d", i), at(-i*7)
		if i%4 != 3 {
			a.APIKeyExpires = at(90 - i*7)
		}
	}
	for i := range min(m.SSHKeys, m.Users) {
		u := m.users[i]
		for j := range 1 + i%3/2 {
			name := fmt.Sprintf("laptop %d", j+1)
			u.SSHKeys = append(u.SSHKeys, SSHKey{
				ID: deriveID("sshkey", u.id, name), Name: name, PublicKey: fmt.Sprintf("%s %s@%d", SSHKeyMaterial, u.Username, j), Created: at(-i%900 - 1),
			})
		}
	}
}

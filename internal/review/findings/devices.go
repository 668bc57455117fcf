package findings

import (
	"fmt"
	"slices"

	"github.com/dustin/go-humanize/english"

	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/review"
)

// The slugs of the entitlements of a device.
const (
	slugSignIn     = "user"
	slugLocalAdmin = "admin"
)

// devices lists those that have a row.
func devices(s *review.Sync) []review.Ref {
	return review.Cached(s, "devices", func() []review.Ref {
		var list []review.Ref
		for r := range review.Ref(s.Len()) {
			if s.Brief(r).Type == restype.Device && !s.IsMissing(r) {
				list = append(list, r)
			}
		}
		return list
	})
}

// noDevices is the note of a report that has none to look at.
const noDevices = "There are no devices in this archive; --sync-devices has them read."

// eachUser visits the accounts that hold an entitlement of a device, by its slug.
func eachUser(s *review.Sync, device review.Ref, slug string, visit func(p review.Ref, e review.EntRef, g int32)) {
	for _, e := range s.EntitlementsOf(device) {
		if s.SlugOrName(e) != slug {
			continue
		}
		s.EachHolder(e, func(p review.Ref, g int32) {
			if s.AccountOf(p) != nil {
				visit(p, e, g)
			}
		})
	}
}

// profileOf is a value of a profile; empty where there is none.
func profileOf(s *review.Sync, r review.Ref, key string) string {
	for _, f := range s.Resource(r).Profile {
		if f.Key == key {
			return f.Value
		}
	}
	return ""
}

// localAdmins finds who administers a device: by the binding, or by the account's own setting
// on every device that it can sign in to.
func localAdmins(s *review.Sync, r *Report) {
	own := map[review.Ref]bool{}
	if len(devices(s)) > 0 {
		for _, it := range accounts(s, func(p review.Ref, _ *review.AccountInfo) bool { return profileOf(s, p, "sudo") == "true" }) {
			own[it.resource] = true
		}
	}
	bySetting := map[[2]review.Ref]bool{}
	for _, d := range devices(s) {
		// The way to the device says why an account with the setting administers it.
		eachUser(s, d, slugSignIn, func(p review.Ref, e review.EntRef, g int32) {
			if own[p] {
				bySetting[[2]review.Ref{p, d}] = true
				r.items = append(r.items, item{resource: p, other: d, ent: e, extra: g})
			}
		})
		eachUser(s, d, slugLocalAdmin, func(p review.Ref, e review.EntRef, g int32) {
			if !bySetting[[2]review.Ref{p, d}] {
				r.items = append(r.items, item{resource: p, other: d, ent: e, extra: g})
			}
		})
	}
	if len(devices(s)) == 0 {
		r.Note = noDevices
	}
	r.columns = []column{
		accountColumn(s), emailColumn(s), statusColumn(s),
		resourceColumn(s, "device", "Device", LinkOther, func(it item) review.Ref { return it.other }),
		{Column: Column{"by", "Administrator by", TextColumn, NoLink}, cell: func(it item) any {
			if bySetting[[2]review.Ref{it.resource, it.other}] {
				return "the account's own setting (sudo)"
			}
			return "sudo of the binding"
		}},
		{Column: Column{"via", "Via", TextColumn, NoLink}, cell: func(it item) any { return pathsText(s, it.resource, it.ent) }},
	}
}

// privileged are the accounts of people who administer: an administrator, and a user who has
// the email address of one, as JumpCloud keeps the two apart.
func privileged(s *review.Sync) func(review.Ref) bool {
	emails := map[string]bool{}
	for _, it := range accounts(s, func(_ review.Ref, a *review.AccountInfo) bool { return a.Admin }) {
		for _, e := range foldedEmails(s.AccountOf(it.resource)) {
			emails[e] = true
		}
	}
	return func(p review.Ref) bool {
		a := s.AccountOf(p)
		return a.Admin || slices.ContainsFunc(foldedEmails(a), func(e string) bool { return emails[e] })
	}
}

// unencryptedDevices finds the devices without encryption that administrators of the
// organization sign in to.
func unencryptedDevices(s *review.Sync, r *Report) {
	administers := privileged(s)
	var unknown []item
	for _, d := range devices(s) {
		encrypted := encryption(s, d)
		if encrypted == review.Yes {
			continue
		}
		seen := map[review.Ref]bool{}
		for _, slug := range []string{slugLocalAdmin, slugSignIn} {
			eachUser(s, d, slug, func(p review.Ref, e review.EntRef, g int32) {
				if seen[p] || !administers(p) {
					return
				}
				seen[p] = true
				if it := (item{resource: d, other: p, ent: e, extra: g}); encrypted == review.No {
					r.items = append(r.items, it)
				} else {
					unknown = append(unknown, it)
				}
			})
		}
	}
	r.items, r.information = append(r.items, unknown...), len(unknown)
	switch {
	case len(devices(s)) == 0:
		r.Note = noDevices
	case len(unknown) > 0:
		r.Note = fmt.Sprintf("Encryption is unknown in %s. They are listed last and are not findings.", english.Plural(len(unknown), "row", ""))
	}
	r.columns = []column{
		deviceColumn(s), encryptionColumn(s),
		resourceColumn(s, "account", "Administrator who can sign in", LinkOther, func(it item) review.Ref { return it.other }),
		{Column: Column{"email", "Email", TextColumn, NoLink}, cell: func(it item) any { return s.AccountOf(it.other).Email }},
		{Column: Column{"via", "Via", TextColumn, NoLink}, cell: func(it item) any { return pathsText(s, it.other, it.ent) }},
	}
}

// unownedDevices finds devices that belong to nobody who is in the archive.
func unownedDevices(s *review.Sync, r *Report) {
	users := map[string]bool{}
	for _, it := range accounts(s, func(review.Ref, *review.AccountInfo) bool { return true }) {
		users[s.Brief(it.resource).ID] = true
	}
	for _, d := range devices(s) {
		if !users[profileOf(s, d, "owner_id")] {
			r.items = append(r.items, item{resource: d, other: review.NoRef, ent: review.NoEnt})
		}
	}
	if len(devices(s)) == 0 {
		r.Note = noDevices
	}
	r.columns = []column{
		deviceColumn(s), encryptionColumn(s), profileColumn(s, "os", "Operating system"), profileColumn(s, "last_contact", "Last contact (UTC)"), profileColumn(s, "owner_id", "Owner ID"),
		{Column: Column{"users", "Can sign in", IntColumn, NoLink}, cell: func(it item) any {
			who := map[review.Ref]bool{}
			for _, slug := range []string{slugLocalAdmin, slugSignIn} {
				eachUser(s, it.resource, slug, func(p review.Ref, _ review.EntRef, _ int32) { who[p] = true })
			}
			return len(who)
		}},
	}
}

func deviceColumn(s *review.Sync) column {
	return resourceColumn(s, "device", "Device", LinkResource, func(it item) review.Ref { return it.resource })
}

// encryptionColumn says whether a device is encrypted: yes, no or unknown.
func encryptionColumn(s *review.Sync) column {
	return column{Column: Column{"encrypted", "Encrypted", TextColumn, NoLink}, cell: func(it item) any {
		return encryption(s, it.resource).String()
	}}
}

// encryption says whether a device is encrypted.
func encryption(s *review.Sync, device review.Ref) review.Tri {
	switch facts := s.Shared(device).Facts; {
	case slices.Contains(facts, review.FactEncrypted):
		return review.Yes
	case slices.Contains(facts, review.FactNotEncrypted):
		return review.No
	default:
		return review.Unknown
	}
}

// profileColumn shows a value of the profile of what a row is about.
func profileColumn(s *review.Sync, key, title string) column {
	return column{Column: Column{key, title, TextColumn, NoLink}, cell: func(it item) any { return profileOf(s, it.resource, key) }}
}

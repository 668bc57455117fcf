package connector

import (
	"maps"
	"slices"

	"github.com/conductorone/baton-jumpcloud/internal/identity"
	"github.com/conductorone/baton-jumpcloud/internal/printable"
)

// matcher finds the user that each administrator is. It never guesses: where more
// than one account fits, nobody is matched.
type matcher struct {
	admins map[string]address  // by administrator id
	byMail map[string][]string // user ids by folded email
	linked map[string][]string // user ids by the administrator id that they name
	link   map[string]string   // administrator id by user id
}

// address is an email address, as it was typed and as it is compared.
type address struct {
	typed, folded string
}

type accountPair struct {
	admin, user string
}

func (m *matcher) addAdmin(id, email string) {
	if m.admins == nil {
		m.admins = map[string]address{}
	}
	m.admins[id] = address{email, identity.FoldEmail(email)}
}

func (m *matcher) addUser(id, email string) {
	if m.byMail == nil {
		m.byMail = map[string][]string{}
	}
	if email = identity.FoldEmail(email); email != "" {
		m.byMail[email] = append(m.byMail[email], id)
	}
}

func (m *matcher) addLink(userID, adminID string) {
	if m.linked == nil {
		m.linked, m.link = map[string][]string{}, map[string]string{}
	}
	m.linked[adminID] = append(m.linked[adminID], userID)
	m.link[userID] = adminID
}

// match returns the pairs in the order of the administrators' ids, and a word for
// each administrator for whom more than one account fits:
//
//	one user names the administrator's id                 matched
//	several users name it                                 doubtful
//	none, one user has the email address                 matched
//	none, several users have it                           doubtful
//	none, several such administrators have one address    doubtful
//	none, that user names another listed administrator    doubtful
//	none at all                                           an account of its own
func (m *matcher) match() (pairs []accountPair, doubtful []string) {
	unlinked := map[string]int{} // administrators that no user names, by email
	for id, email := range m.admins {
		if len(m.linked[id]) == 0 {
			unlinked[email.folded]++
		}
	}
	for _, id := range slices.Sorted(maps.Keys(m.admins)) {
		email := m.admins[id]
		users := m.linked[id]
		byLink := len(users) > 0
		if !byLink {
			users = m.byMail[email.folded]
		}
		switch {
		case len(users) == 0:
		case len(users) > 1,
			!byLink && unlinked[email.folded] > 1,
			!byLink && m.namesOther(users[0]):
			doubtful = append(doubtful, printable.Clip(email.typed, MaxID)+" ("+id+")")
		default:
			pairs = append(pairs, accountPair{admin: id, user: users[0]})
		}
	}
	return pairs, doubtful
}

// namesOther reports whether a user names an administrator who is listed. A name
// that leads nowhere does not count.
func (m *matcher) namesOther(userID string) bool {
	_, listed := m.admins[m.link[userID]]
	return listed
}

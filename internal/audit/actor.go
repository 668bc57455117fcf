package audit

import (
	"os"
	"os/user"
	"strconv"

	"github.com/conductorone/baton-jumpcloud/internal/secret"
)

const (
	// prefixLength is how much of a key JumpCloud itself keeps to tell keys apart by
	// (apiKeyHash.prefix of an administrator: "jca_" and two characters more).
	prefixLength = 6
	// leastKey is how long a key must be for its beginning to give nothing away.
	leastKey = 2 * prefixLength
)

// KeyPrefix is how an API key is known in the trail: its first characters. It is
// empty for a text so short that it can be no key.
func KeyPrefix(key secret.String) string {
	if text := key.Reveal(); len(text) > leastKey {
		return text[:prefixLength]
	}
	return ""
}

// LocalActor is the user who runs this process, as the operating system knows
// them. In a container a user may have no name, and only the number is told.
func LocalActor() Actor {
	var a Actor
	if u, err := user.Current(); err == nil {
		a.User, a.UID = u.Username, u.Uid
	} else if uid := os.Getuid(); uid >= 0 {
		a.UID = strconv.Itoa(uid)
	}
	if host, err := os.Hostname(); err == nil {
		a.Host = host
	}
	return a
}

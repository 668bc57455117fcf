package review

import (
	"sort"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/c1z"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
)

// Use says when the principal of a grant last used what it gives, or since when it did not,
// in UTC. One of the two is set; neither is where nobody knows.
type Use struct{ Last, NoneSince time.Time }

// Known reports whether anything is known.
func (u Use) Known() bool { return !u.Last.IsZero() || !u.NoneSince.IsZero() }

// The metadata of a grant that says so.
const (
	metadataLastUsed     = "last_used"
	metadataNotUsedSince = "not_used_since"
)

// sortLastUsed is the key by which grants are sorted by their use.
const sortLastUsed = "last_used"

// storedUse is what is known of the use of a grant, in Unix seconds.
type storedUse struct {
	grant int32
	used  bool
	at    int64
}

// heldUse is the memory that it takes, in bytes.
const heldUse = 16

// use notes what a grant says of its use. A time that is none says nothing.
func (w *grantWorker) use(g *c1z.GrantEdge) error {
	if g.Metadata == nil {
		return nil
	}
	for _, key := range []string{metadataLastUsed, metadataNotUsedSince} {
		text, err := g.MetadataText(key)
		if err != nil {
			return err
		}
		if at, err := time.Parse(time.RFC3339, string(text)); err == nil {
			w.uses = append(w.uses, storedUse{int32(w.rows), key == metadataLastUsed, at.Unix()})
			w.grown += 2 * heldUse
			return nil
		}
	}
	return nil
}

// UseOf is what is known of the use of a grant.
func (s *Sync) UseOf(g int32) Use {
	i := sort.Search(len(s.uses), func(i int) bool { return s.uses[i].grant >= g })
	switch {
	case i == len(s.uses) || s.uses[i].grant != g:
		return Use{}
	case s.uses[i].used:
		return Use{Last: time.Unix(s.uses[i].at, 0).UTC()}
	default:
		return Use{NoneSince: time.Unix(s.uses[i].at, 0).UTC()}
	}
}

// KnowsUse reports whether the archive says anything of use.
func (s *Sync) KnowsUse() bool { return len(s.uses) > 0 }

// TellsUse reports whether use is told of access to a resource: not of the app that stands for
// the administration of a JumpCloud organization.
func (s *Sync) TellsUse(r Ref) bool {
	m := &s.resources[r]
	return m.kind == Application && m.id != restype.AdministrationAppID
}

// useRank orders grants by last use: unknown first, then those that were not used.
func (s *Sync) useRank(g int32) int64 {
	switch u := s.UseOf(g); {
	case !u.Last.IsZero():
		return u.Last.Unix()
	case !u.NoneSince.IsZero():
		return -1
	default:
		return -2
	}
}

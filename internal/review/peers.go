package review

import "github.com/conductorone/baton-jumpcloud/internal/review/search"

// Peers says who is like whom: the enabled accounts of the same department and title.
type Peers struct {
	group []int32 // by Ref, -1 for none
	sizes []int32 // by group
}

// Peers finds the peers of all accounts.
func (s *Sync) Peers() *Peers {
	return Cached(s, "peers", func() *Peers {
		type key struct{ department, title string }
		numbers := map[key]int32{}
		p := &Peers{group: make([]int32, s.Len())}
		for r := range Ref(s.Len()) {
			p.group[r] = -1
			a := s.AccountOf(r)
			if a == nil || a.Status != Enabled || a.Department == "" || a.Title == "" {
				continue
			}
			k := key{search.Fold(a.Department), search.Fold(a.Title)}
			n, known := numbers[k]
			if !known {
				n = int32(len(p.sizes))
				numbers[k], p.sizes = n, append(p.sizes, 0)
			}
			p.group[r] = n
			p.sizes[n]++
		}
		return p
	})
}

// Group is the number of the group that an account belongs to, -1 for none.
func (p *Peers) Group(r Ref) int32 { return p.group[r] }

// Of counts the peers of an account, without itself.
func (p *Peers) Of(r Ref) int {
	if g := p.group[r]; g >= 0 {
		return int(p.sizes[g]) - 1
	}
	return 0
}

// Holders counts the holders of an entitlement in each group that has any.
func (p *Peers) Holders(s *Sync, e EntRef) map[int32]int {
	counts := map[int32]int{}
	s.EachHolder(e, func(r Ref, _ int32) {
		if g := p.group[r]; g >= 0 {
			counts[g]++
		}
	})
	return counts
}

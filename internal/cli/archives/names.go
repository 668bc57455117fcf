package archives

import (
	"fmt"
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-jumpcloud/internal/console"
	"github.com/conductorone/baton-jumpcloud/internal/fault"
	"github.com/conductorone/baton-jumpcloud/internal/printable"
	"github.com/conductorone/baton-jumpcloud/internal/review"
	"github.com/conductorone/baton-jumpcloud/internal/review/search"
	"github.com/conductorone/baton-jumpcloud/internal/sheet"
)

// NameFilters turns names in a filter into the ids that it takes.
func NameFilters(s *Shown, q search.Query) error {
	for _, key := range []string{"principal", "resource"} {
		if name := q.Filter[key]; name != "" {
			r, err := s.FindResource(name)
			if err != nil {
				return Naming("resource", err)
			}
			b := s.Brief(r)
			q.Filter[key] = b.Type + ":" + b.ID
		}
	}
	for _, key := range []string{"entitlement", "via"} {
		if name := q.Filter[key]; name != "" {
			e, err := s.FindEntitlement(name)
			if err != nil {
				return Naming("entitlement", err)
			}
			q.Filter[key] = s.EntitlementAt(e).ID
		}
	}
	return nil
}

// FindPrincipal finds who is meant: an account, or whatever else there is of that
// name.
func FindPrincipal(s *Shown, who string) (review.Ref, error) {
	p, err := PrincipalRef(s, who)
	return p, Naming("account", err)
}

// PrincipalRef is [findPrincipal] with the errors of package review.
func PrincipalRef(s *Shown, who string) (review.Ref, error) {
	p, err := s.FindResource(who, review.AccountKinds()...)
	if _, none := fault.As[*review.NotFoundError](err); none {
		// An application or a group may hold something too. What is near is told of
		// accounts, which most questions are about.
		if other, otherErr := s.FindResource(who); otherErr == nil {
			return other, nil
		}
	}
	return p, err
}

// Naming makes the errors of looking something up by a name into text for people,
// who get ids to go on with.
func Naming(what string, err error) error { return NamingIn("", what, err) }

// NamingIn also says where it was looked up, as in " in archive x".
func NamingIn(place, what string, err error) error {
	if e, ok := fault.As[*review.AmbiguousError](err); ok {
		text := fmt.Sprintf("%q matches %d %ss; choose one by its ID:\n%s", e.Text, e.Count, what, candidates(e.Candidates))
		if more := e.Count - len(e.Candidates); more > 0 {
			text += fmt.Sprintf("\n  and %d more", more)
		}
		return fault.WithCode(codes.InvalidArgument, "%s", text)
	}
	if e, ok := fault.As[*review.NotFoundError](err); ok {
		text := fmt.Sprintf("no %s is named %s%s", what, printable.Visible(fmt.Sprintf("%q", e.Text)), place)
		if len(e.Nearest) > 0 {
			text += "; similar names:\n" + candidates(e.Nearest)
		}
		return fault.WithCode(codes.NotFound, "%s", text)
	}
	return err
}

// candidateWidth is where names of candidates are cut.
const candidateWidth = 60

// candidates are lines of ids and names. Ids come from outside too, but are shown
// whole, since they are what is typed next.
func candidates(list []review.Candidate) string {
	width := 0
	for _, c := range list {
		width = max(width, min(len(c.ID), candidateWidth))
	}
	lines := make([]string, len(list))
	for i, c := range list {
		text := sheet.Cut(printable.Visible(c.Resource.Name), candidateWidth)
		if c.Hint != "" {
			text += ", " + sheet.Cut(printable.Visible(c.Hint), candidateWidth)
		}
		lines[i] = fmt.Sprintf("  %-*s  %s", width, printable.Visible(console.ShellWord(c.ID)), text)
	}
	return strings.Join(lines, "\n")
}

package connector

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/conductorone/baton-jumpcloud/internal/identity"
	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
	"github.com/conductorone/baton-jumpcloud/internal/printable"
	"github.com/conductorone/baton-jumpcloud/internal/restype"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// The kinds of facts that pages leave for Join. The key is the id of the account
// that the fact is about.
const (
	factUserEmail  = "user email"
	factUserAdmin  = "user admin" // value: the id of the user's administrator account
	factAdminEmail = "administrator email"
	factOwnSudo    = "user sudo" // value: the name of the user
)

// putBatch is how many changed resources Join hands over at once.
const putBatch = 500

// Join sets managers' email addresses, which a user's own record does not hold,
// joins administrators with their users where that was asked for, and remarks on
// what only all accounts together show.
func (s *Source) Join(ctx context.Context, scope syncer.Scope, j syncer.Joiner) error {
	if err := joinManagers(ctx, j); err != nil {
		return Coded(fmt.Errorf("join managers: %w", err))
	}
	if err := remarkLookalikes(ctx, j); err != nil {
		return Coded(fmt.Errorf("compare email addresses: %w", err))
	}
	if err := errors.Join(remarkNullRows(ctx, j), remarkDoubts(ctx, j)); err != nil {
		return Coded(fmt.Errorf("report unknown values: %w", err))
	}
	if err := joinOwnSudo(ctx, scope, j); err != nil {
		return Coded(fmt.Errorf("find administrators of devices: %w", err))
	}
	if err := missTargets(ctx, scope, j); err != nil {
		return Coded(fmt.Errorf("look for missing resources: %w", err))
	}
	merged := make(map[string]string)
	if s.options.MergeAdmins {
		var err error
		if merged, err = joinAdmins(ctx, j); err != nil {
			return Coded(fmt.Errorf("merge administrators with users: %w", err))
		}
	}
	if err := joinOwners(ctx, j, merged); err != nil {
		return Coded(fmt.Errorf("name the owners of API keys: %w", err))
	}
	if s.options.LastLogin {
		if err := s.joinLastLogin(ctx, scope, j, merged); err != nil {
			return Coded(fmt.Errorf("find last logins: %w", err))
		}
	}
	return nil
}

func joinManagers(ctx context.Context, j syncer.Joiner) error {
	emails := map[string]string{} // by user id
	for fact, err := range j.Facts(ctx, factUserEmail) {
		if err != nil {
			return err
		}
		emails[fact.Key] = fact.Value
	}
	if len(emails) == 0 {
		return nil
	}
	return changeAccounts(ctx, j, func(user *v2.Resource) (bool, error) {
		email := emails[profileText(user.GetProfile(), profileManagerID)]
		if email == "" {
			return false, nil
		}
		return true, setManager(user, email)
	})
}

// changeAccounts puts the accounts back that change says it changed.
func changeAccounts(ctx context.Context, j syncer.Joiner, change func(*v2.Resource) (bool, error)) error {
	changed := make([]*v2.Resource, 0, putBatch)
	for account, err := range j.Resources(ctx, restype.User) {
		if err != nil {
			return err
		}
		differs, err := change(account)
		if err != nil {
			return err
		}
		if !differs {
			continue
		}
		changed = append(changed, account)
		if len(changed) == putBatch {
			if err := j.Put(ctx, changed...); err != nil {
				return err
			}
			changed = changed[:0]
		}
	}
	return j.Put(ctx, changed...)
}

// setManager writes the manager's address where the profile is, on the resource
// and on the trait.
func setManager(user *v2.Resource, email string) error {
	setText(user.GetProfile(), profileManager, email)
	return editTrait(user, func(trait *v2.UserTrait) {
		setText(trait.GetProfile(), profileManager, email) //nolint:staticcheck // Old readers look at the trait only.
	})
}

// editTrait changes the trait of a kind among the annotations of a resource.
func editTrait[T any, M interface {
	*T
	proto.Message
}](r *v2.Resource, edit func(M),
) error {
	for i, a := range r.GetAnnotations() {
		trait := M(new(T))
		if !a.MessageIs(trait) {
			continue
		}
		if err := a.UnmarshalTo(trait); err != nil {
			return fmt.Errorf("read trait of %s %s: %w", r.GetId().GetResourceType(), r.GetId().GetResource(), err)
		}
		edit(trait)
		r.Annotations[i] = Annotations(trait)[0]
	}
	return nil
}

// readTrait reads the trait of a kind among the annotations of a resource; an empty one where
// there is none.
func readTrait[T any, M interface {
	*T
	proto.Message
}](r *v2.Resource,
) (M, error) {
	trait := M(new(T))
	for _, a := range r.GetAnnotations() {
		if !a.MessageIs(trait) {
			continue
		}
		if err := a.UnmarshalTo(trait); err != nil {
			return nil, fmt.Errorf("read trait of %s %s: %w", r.GetId().GetResourceType(), r.GetId().GetResource(), err)
		}
	}
	return trait, nil
}

// remarkLookalikes names accounts whose email addresses look alike and are different
// ones: whoever reads them takes two people for one.
func remarkLookalikes(ctx context.Context, j syncer.Joiner) error {
	accounts := map[string][]string{} // ids by address
	for _, kind := range []string{factUserEmail, factAdminEmail} {
		for fact, err := range j.Facts(ctx, kind) {
			if err != nil {
				return err
			}
			address := identity.FoldEmail(fact.Value)
			accounts[address] = append(accounts[address], fact.Key)
		}
	}
	var sets []string
	for _, set := range identity.Lookalikes(slices.Sorted(maps.Keys(accounts))) {
		words := make([]string, 0, len(set))
		for _, address := range set {
			word := printable.Clip(address, MaxID)
			if points := identity.BeyondASCII(address); points != "" {
				word += " with " + points
			}
			words = append(words, word+" ("+printable.Enumerate(accounts[address], 3)+")")
		}
		sets = append(sets, strings.Join(words, " and "))
	}
	if len(sets) == 0 {
		return nil
	}
	return j.Remark(ctx, "accounts not merged: look-alike email addresses: "+printable.Enumerate(sets, 10))
}

// inOthersLists are the types of which no answer to a request for one says that it does not
// exist: lists of others bring them.
func inOthersLists() []string {
	return []string{restype.Role, restype.ServiceCredential, restype.SSHKey}
}

// missTargets remarks on resources that were asked for and that none of the lists which
// could bring them knows.
func missTargets(ctx context.Context, scope syncer.Scope, j syncer.Joiner) error {
	wanted := map[syncer.Ref]bool{}
	for _, id := range scope.Targets {
		if slices.Contains(inOthersLists(), id.GetResourceType()) {
			wanted[refOf(id)] = true
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	for _, resourceType := range inOthersLists() {
		for r, err := range j.Resources(ctx, resourceType) {
			if err != nil {
				return err
			}
			delete(wanted, refOf(r.GetId()))
		}
	}
	for ref := range wanted {
		if err := j.Remark(ctx, missingTarget(ref)); err != nil {
			return err
		}
	}
	return nil
}

// joinAdmins makes administrators and users one account, and remarks on those that
// it leaves apart because more than one account would fit.
func joinAdmins(ctx context.Context, j syncer.Joiner) (users map[string]string, err error) {
	var m matcher
	for _, read := range []struct {
		kind string
		add  func(key, value string)
	}{
		{factUserAdmin, m.addLink},
		{factUserEmail, m.addUser},
		{factAdminEmail, m.addAdmin},
	} {
		for fact, err := range j.Facts(ctx, read.kind) {
			if err != nil {
				return nil, err
			}
			read.add(fact.Key, fact.Value)
		}
	}
	pairs, doubtful := m.match()
	users = make(map[string]string, len(pairs))
	for _, p := range pairs {
		from := syncer.Ref{Type: restype.User, ID: p.admin}
		to := syncer.Ref{Type: restype.User, ID: p.user}
		if err := j.Alias(ctx, from, to); err != nil {
			return nil, err
		}
		users[p.admin] = p.user
	}
	if len(doubtful) > 0 {
		err = j.Remark(ctx, "administrators not merged: more than one matching account: "+
			printable.Enumerate(doubtful, 10))
	}
	return users, err
}

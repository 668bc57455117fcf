package connector

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/conductorone/baton-jumpcloud/internal/jumpcloud"
	"github.com/conductorone/baton-jumpcloud/internal/printable"
	"github.com/conductorone/baton-jumpcloud/internal/syncer"
)

// doubt is a kind of value that JumpCloud is not known to send. Whatever is made of it,
// the summary says so and names the objects. It is the kind of a fact: the key begins
// with the object's id, and the value is what was sent.
type doubt string

// The kinds of doubts.
const (
	doubtUserState        doubt = "user state"
	doubtUserConflict     doubt = "user state and suspended"
	doubtFlag             doubt = "flag"
	doubtStanding         doubt = "standing"
	doubtMembershipMethod doubt = "membership method"
	doubtRole             doubt = "role"
	doubtRoleField        doubt = "role field"
	doubtLookup           doubt = "look-up"
	doubtDirectory        doubt = "directory"
	doubtServiceRole      doubt = "service account role"
	doubtServiceStatus    doubt = "service account status"
)

// doubtSentences begin the remark on each kind of doubt, in the order in which the
// remarks are made.
var doubtSentences = []struct {
	kind     doubt
	sentence string
}{
	{doubtUserState, "users in an unknown state, shown as disabled"},
	{doubtUserConflict, "users with contradictory state and suspended flag, shown as disabled"},
	{doubtStanding, "accounts with an unclear suspended or locked flag, shown as disabled"},
	{doubtFlag, "boolean fields with another value, treated as unset"},
	{doubtLookup, "grants with an ID that JumpCloud rejects as invalid, left out"},
	{doubtRole, "administrators with an unknown role, shown by its ID"},
	{doubtRoleField, "administrators with an unknown field that may name roles, ignored"},
	{doubtDirectory, "directories of an unknown type, shown without who is bound to them"},
	{doubtServiceRole, "service accounts with an unknown role, shown by its ID"},
	{doubtServiceStatus, "service accounts in an unknown status, shown as disabled"},
	{doubtMembershipMethod, "groups with an unknown membership method, treated as static"},
}

// The most values of a doubt that a remark shows, and objects for each value.
const (
	maxDoubtValues  = 10
	maxDoubtObjects = 5
)

// of makes the fact that an object has a doubtful value. An object may have several
// of a kind.
func (d doubt) of(id, value string) syncer.Fact {
	value = printable.Clip(value, 200)
	return syncer.Fact{Kind: string(d), Key: id + " " + value, Value: value}
}

// namedFlag is a flag with the name of its field.
type namedFlag struct {
	name string
	flag jumpcloud.Flag
}

// oddFlags are the doubts about the flags of an object, which is one of what.
func oddFlags(what, id string, flags ...namedFlag) []syncer.Fact {
	return doubtFlag.odd(what, id, flags...)
}

// odd are the doubts of a kind about the flags of an object.
func (d doubt) odd(what, id string, flags ...namedFlag) []syncer.Fact {
	var facts []syncer.Fact
	for _, f := range flags {
		if f.flag == jumpcloud.Odd {
			facts = append(facts, d.of(id, what+"."+f.name))
		}
	}
	return facts
}

// factNullRows counts the rows of a page that are null. The key is the list and the
// page, the value the number.
const factNullRows = "null rows"

// nullRows is the fact that a page of a list that has no holes holds null rows. They
// name nobody, so that they are passed over, but not in silence.
func nullRows(list, token string, count int) syncer.Fact {
	return syncer.Fact{Kind: factNullRows, Key: list + "/" + token, Value: strconv.Itoa(count)}
}

// remarkNullRows remarks on null rows by list.
func remarkNullRows(ctx context.Context, j syncer.Joiner) error {
	counts := map[string]int{}
	for fact, err := range j.Facts(ctx, factNullRows) {
		if err != nil {
			return err
		}
		list, _, _ := strings.Cut(fact.Key, "/")
		n, err := strconv.Atoi(fact.Value)
		if err != nil {
			return fmt.Errorf("null rows of %s: %w", list, err)
		}
		counts[list] += n
	}
	var words []string
	for _, list := range slices.Sorted(maps.Keys(counts)) {
		words = append(words, fmt.Sprintf("%s (%d)", list, counts[list]))
	}
	if len(words) == 0 {
		return nil
	}
	return j.Remark(ctx, "null rows in JumpCloud's lists, ignored: "+strings.Join(words, ", "))
}

// remarkDoubts makes a remark of the facts of each kind of doubt.
func remarkDoubts(ctx context.Context, j syncer.Joiner) error {
	for _, d := range doubtSentences {
		objects := map[string][]string{}
		for fact, err := range j.Facts(ctx, string(d.kind)) {
			if err != nil {
				return err
			}
			id, _, _ := strings.Cut(fact.Key, " ")
			objects[fact.Value] = append(objects[fact.Value], id)
		}
		if len(objects) == 0 {
			continue
		}
		var values []string
		for _, value := range slices.Sorted(maps.Keys(objects)) {
			values = append(values, fmt.Sprintf("%s (%s)", value, printable.Enumerate(objects[value], maxDoubtObjects)))
		}
		if err := j.Remark(ctx, d.sentence+": "+printable.Enumerate(values, maxDoubtValues)); err != nil {
			return err
		}
	}
	return nil
}

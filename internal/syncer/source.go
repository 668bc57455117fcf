package syncer

import (
	"context"
	"errors"
	"iter"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// ErrNotFound is returned by [Source.Lookup] for a resource that does not exist.
var ErrNotFound = errors.New("not found")

// ErrDiscard is wrapped by an error of a [Source] after which nothing that was read
// may be used, by a later run neither.
var ErrDiscard = errors.New("what was read is discarded")

// Source is what a sync reads. It keeps nothing between calls that a restart
// would lose: what a later call needs travels in tokens, receipts and facts, which
// the Store keeps. All methods are safe for concurrent use, and each returns
// soon after its context ends. Source retries by itself whatever can succeed on
// a later attempt; an error that it returns ends the sync.
type Source interface {
	// ResourceTypes names every type that the source can hold, ordered by id.
	ResourceTypes() []*v2.ResourceType

	// Start returns what is known before any list is read and names the lists to
	// read first. Its page has no Next, Receipt or Settled.
	Start(ctx context.Context, scope Scope) (*Page, error)

	// Read reads one page of a list. The first page of each list has the token "";
	// every other token comes from Page.Next or Settle. Reading the same token
	// again after a crash must be harmless.
	Read(ctx context.Context, list List, token string) (*Page, error)

	// Settle judges a list of which every token that was named has been read, from
	// the receipts of its pages in the order in which they were stored. An error fails
	// the sync and says what could not be read.
	Settle(ctx context.Context, list List, receipts [][]byte, occasion Occasion) (Verdict, error)

	// Lookup reads one resource that a grant names and that no list contained. Its
	// page brings the resource and what a page of its list would have brought with
	// it: its entitlements, and the lists that hold its grants, which are read then.
	// The page has no Next, Receipt or Settled. A resource that does not exist is
	// [ErrNotFound]; a page that comes with this error has Facts only.
	Lookup(ctx context.Context, id *v2.ResourceId) (*Page, error)

	// Confirm is called once every list is complete and every principal looked up,
	// before Join: whether all that was read is of one place still.
	Confirm(ctx context.Context) error

	// Join is called once every list is complete, to work out what only all of
	// them together tell. It may be called again after a crash.
	Join(ctx context.Context, scope Scope, j Joiner) error
}

// Scope is what a run was asked to read. Its zero value is everything.
type Scope struct {
	// ResourceTypes restricts the sync to these type ids; empty means all.
	ResourceTypes []string
	// Targets restricts the sync to these resources and makes it partial.
	Targets []*v2.ResourceId
	// SkipEntitlementsAndGrants reads resources only.
	SkipEntitlementsAndGrants bool
	// SkipGrants leaves grants out; only allowed with Targets.
	SkipGrants bool
}

// List names one collection that is read page by page.
type List struct {
	// Kind is the id of the kind of list, which the Source chooses and a later process
	// gives back to it.
	Kind string
	// Label is what people call lists of the kind in progress, logs and messages
	// ("users", "group members"); empty means Kind. It is not part of the identity.
	Label string
	// Owner is the resource that the list belongs to, the zero Ref for a list of
	// the organization.
	Owner Ref
}

// Ref is a resource id as a comparable value.
type Ref struct {
	Type string // resource type id
	ID   string // resource id within its type
}

// Page is what one read brought. The engine stores all of it, and the end of
// its token, in one transaction.
type Page struct {
	// Resources replace what was stored under the same id.
	Resources []*v2.Resource
	// Hints are resources that are stored only where no page put the same id in
	// Resources: a role that is known only by its name, say.
	Hints []*v2.Resource
	// Entitlements carry the id of their resource; the engine embeds the resource.
	Entitlements []*v2.Entitlement
	// Grants carry the entitlement's id and resource id, the principal's id, the
	// grant's own id and annotations; display names are filled in by the engine.
	Grants []*v2.Grant
	// Facts are kept for Join and are not part of the archive.
	Facts []Fact
	// Lists are found by this page and are read from now on.
	Lists []List
	// Next are tokens of further pages of the same list.
	Next []string
	// Receipt is what Settle wants to know of this page.
	Receipt []byte
	// Settled says that the list is complete with this page, so that Settle need
	// not be asked. It must be false where Next is not empty.
	Settled bool
	// Counted and Shown are those of a [Verdict], for a list that is Settled.
	Counted, Shown int
	// Gone says that the list's owner was deleted since it was listed: its own GET
	// answers "not found" too. The engine takes the owner and what belongs to it
	// out and counts it.
	Gone bool
	// Total is how many rows the list holds as far as its server told, for
	// progress; 0 when unknown.
	Total int
	// Repeats is how many of the page's rows other pages of the list bring too, for
	// progress.
	Repeats int
	// Remarks are sentences that the reader of the summary must see, such as a
	// list that could not be read and may be left out. They are stored once each.
	Remarks []string
}

// Occasion is when a list is judged.
type Occasion struct {
	// Last says that all other lists are complete, so that nothing is left to wait
	// for.
	Last bool
	// Moved says that some list showed that the source changes during the sync.
	Moved bool
	// Empty says that most lists of this kind count rows and show none, or that some
	// list did which another route showed.
	Empty bool
}

// Verdict is what [Source.Settle] finds out about a list. It is complete when
// neither Next nor Wait is set.
type Verdict struct {
	// Next are tokens of pages to read before the list is judged again.
	Next []string
	// Wait says that the list looks complete, and that what other lists show can
	// still raise a doubt: it is to be judged again when all others are complete.
	Wait bool
	// Moved says that the list shows that the source changes during the sync.
	Moved bool
	// Blind says that the list itself shows none of what another route shows.
	Blind bool
	// Counted is how many rows the source says that the list has, and Shown how many
	// different ones it showed. Both are 0 where Counted is unknown.
	Counted, Shown int
}

// Fact is one key and value that a page leaves for Join. The last value of a
// kind and key wins.
type Fact struct {
	Kind, Key, Value string
}

// Holding is a grant as [Joiner.Holdings] lists it.
type Holding struct {
	Entitlement         string
	Resource, Principal Ref
}

// Joiner gives Join what the sync has stored, and takes what Join works out.
// It is not safe for concurrent use.
type Joiner interface {
	// Facts lists the facts of a kind in the order of their keys.
	Facts(ctx context.Context, kind string) iter.Seq2[Fact, error]
	// Resources lists the stored resources of a type in the order of their ids.
	Resources(ctx context.Context, resourceType string) iter.Seq2[*v2.Resource, error]
	// Put replaces stored resources.
	Put(ctx context.Context, resources ...*v2.Resource) error
	// Alias makes the grants of one principal those of another and takes the first
	// one's resource out.
	Alias(ctx context.Context, from, to Ref) error
	// Holdings lists the stored grants on the entitlements of the resources of a type. A
	// grant that was stored twice comes twice.
	Holdings(ctx context.Context, resourceType string) iter.Seq2[Holding, error]
	// PutGrants stores grants on stored entitlements to stored principals, as a page does.
	PutGrants(ctx context.Context, grants ...*v2.Grant) error
	// AnnotateGrants adds annotations to grants, one value for each entitlement.
	AnnotateGrants(ctx context.Context, annotations ...GrantAnnotations) error
	// Remark stores sentences that the reader of the summary must see, once each,
	// as Page.Remarks does.
	Remark(ctx context.Context, remarks ...string) error
}

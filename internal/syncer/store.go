package syncer

import (
	"context"
	"iter"
	"time"

	v2 "github.com/conductorone/baton-jumpcloud/internal/pb/c1/connector/v2"
)

// Store keeps a sync between its steps: what was read, and what is still to be
// read. A method that writes returns when what it wrote survives the end of the
// process; it has then stored all of it, and otherwise nothing. All methods are
// safe for concurrent use. A Store that fails stays as it was.
type Store interface {
	Queue
	Stage
	Rows
	Spill

	// Info tells which sync this is.
	Info() Info
}

// Info tells which sync a Store holds.
type Info struct {
	// SyncID is the KSUID that the sync has in the archive.
	SyncID string
	// StartedAt is when the sync was started, by an earlier process where Resumed.
	StartedAt time.Time
	// Resumed says that an earlier process has begun this sync.
	Resumed bool
}

// Queue is the part of a Store that knows what is still to be read.
type Queue interface {
	// Commit stores a page with the end of its token, and returns what is to be
	// read next because of it. The page of a token that has ended already changes
	// nothing.
	Commit(ctx context.Context, batch *Batch) (Committed, error)
	// Settle stores a verdict: that a list is complete, or the tokens that are to be
	// read before it is. Tokens that were named before are left out of the answer. A
	// list that waits stays among the [Queue.IdleLists]. A verdict that the list
	// moved is counted under [CounterMoved], one that it is blind under [CounterBlind].
	Settle(ctx context.Context, list OpenList, verdict Verdict) ([]Token, error)
	// OpenTokens lists tokens that have not been read, the most urgent first, and
	// tells the greatest id of all tokens, which grow in the order of commits.
	OpenTokens(ctx context.Context, limit int) (tokens []Token, last int64, err error)
	// IdleLists lists the lists that have no open token and are not complete.
	IdleLists(ctx context.Context) ([]OpenList, error)
	// Receipts lists the receipts of a list's pages in the order in which they were
	// stored.
	Receipts(ctx context.Context, list int64) ([][]byte, error)
	// Counts sums up by kind, in alphabetical order, what lists counted and showed that
	// are complete or wait. Lists of resources that vanished are left out.
	Counts(ctx context.Context) ([]KindCounts, error)
	// Kinds sums up the lists by kind, in the order of the kinds' first lists.
	Kinds(ctx context.Context) ([]KindProgress, error)
}

// Stage is the part of a Store that knows how far the sync is.
type Stage interface {
	// State is how far the sync is, and what it was asked to read.
	State(ctx context.Context) (State, error)
	// Begin stores what the sync was asked to read and what is known before any
	// list is read, and enters [PhaseReading].
	Begin(ctx context.Context, state State, batch *Batch) error
	// Advance goes from one phase to another. Took is how long this process was in
	// the first.
	Advance(ctx context.Context, from, to Phase, took time.Duration) error
	// Found stores a resource that was looked up with what came with it, and counts
	// it under [CounterLookedUp]. Lists among that are open from then on.
	Found(ctx context.Context, batch *Batch) error
	// Absent stores that a resource which was looked up does not exist, with the facts
	// that came of it.
	Absent(ctx context.Context, ref Ref, facts ...Fact) error
	// Join runs join in one transaction, which also enters [PhaseWriting] and tells
	// its own duration: after an error or a crash nothing of it is stored. The error
	// of join is returned as it is.
	Join(ctx context.Context, join func(JoinStore) error) error
	// Discard marks what is stored as not worth resuming, so that the next run starts
	// anew; the reason is logged then.
	Discard(ctx context.Context, reason string) error
}

// JoinStore is a Store within the transaction of [Stage.Join]. It reads what it
// has written. It is not safe for concurrent use.
type JoinStore interface {
	// Facts lists the facts of a kind in the order of their keys.
	Facts(ctx context.Context, kind string) iter.Seq2[Fact, error]
	// Resources lists the resources of a type that did not vanish, in the order of
	// their ids. Writing while listing is allowed.
	Resources(ctx context.Context, resourceType string) iter.Seq2[ResourceRow, error]
	// Has reports whether a resource is stored and did not vanish.
	Has(ctx context.Context, ref Ref) (bool, error)
	// Put replaces resources.
	Put(ctx context.Context, rows ...ResourceRow) error
	// Alias stores that the grants of one principal are those of another.
	Alias(ctx context.Context, from, to Ref) error
	// Blocks lists the blocks of grants on entitlements of the resources of a type that did
	// not vanish, and of which resource each is.
	Blocks(ctx context.Context, resourceType string) iter.Seq2[OwnedBlock, error]
	// PutBlocks stores blocks of grants.
	PutBlocks(ctx context.Context, blocks ...GrantBlock) error
	// AnnotateGrants stores annotations, in the place of those that the entitlement had.
	AnnotateGrants(ctx context.Context, rows ...GrantAnnotationsRow) error
	// Remark stores sentences, once each.
	Remark(ctx context.Context, remarks ...string) error
}

// OwnedBlock is a block of grants with the resource whose entitlement they are on.
type OwnedBlock struct {
	GrantBlock
	Resource Ref
}

// Rows is the part of a Store that reads back what was staged. Resources that
// vanished or were joined into others, and the entitlements of these, are left
// out.
type Rows interface {
	// Resources lists the resources by type and id; without data where names is
	// true.
	Resources(ctx context.Context, names bool) iter.Seq2[ResourceRow, error]
	// Entitlements lists the entitlements by id, each with its resource's data,
	// which is empty for a resource that is not stored.
	Entitlements(ctx context.Context) iter.Seq2[EntitlementRow, error]
	// Blocks lists the blocks of grants on one entitlement in the order in which
	// they were stored.
	Blocks(ctx context.Context, entitlement string) ([]GrantBlock, error)
	// AllBlocks lists every block of grants on a stored entitlement.
	AllBlocks(ctx context.Context) iter.Seq2[GrantBlock, error]
	// GrantAnnotations are those for the grants of an entitlement; without data where
	// there are none.
	GrantAnnotations(ctx context.Context, entitlement string) (GrantAnnotationsRow, error)
	// Expandable lists the stored entitlements with grants that expand, by id.
	Expandable(ctx context.Context) ([]string, error)
	// UnknownEntitlement finds an entitlement that grants name and that no page has brought.
	UnknownEntitlement(ctx context.Context) (entitlement string, found bool, err error)
	// Aliases are the principals whose grants are those of others.
	Aliases(ctx context.Context) (map[Ref]Ref, error)
	// Vanished lists the resources that were deleted while they were read, and
	// AbsentPrincipals those that were looked up and do not exist.
	Vanished(ctx context.Context) ([]Ref, error)
	AbsentPrincipals(ctx context.Context) ([]Ref, error)
	// VanishedGrants counts the grants on entitlements of vanished resources.
	VanishedGrants(ctx context.Context) (int64, error)
	// Remarks lists the remarks in alphabetical order.
	Remarks(ctx context.Context) ([]string, error)
	// Counters are the sums of Batch.Counts.
	Counters(ctx context.Context) (map[string]int64, error)
	// Durations tells how long the phases took that are over.
	Durations(ctx context.Context) (map[Phase]time.Duration, error)
}

// Spill is the part of a Store where a build puts what does not fit into memory.
type Spill interface {
	// Save keeps a value under a key, and Load returns it.
	Save(ctx context.Context, key string, value []byte) error
	Load(ctx context.Context, key string) ([]byte, error)
	// ClearSpill removes all values.
	ClearSpill(ctx context.Context) error
}

// Phase says how far a sync is.
type Phase string

// The phases of a sync, in their order.
const (
	PhaseNew     Phase = ""           // nothing is stored
	PhaseReading Phase = "reading"    // lists are read
	PhaseLookup  Phase = "looking up" // principals that are in no list are read
	PhaseJoining Phase = "joining"    // Source.Join works
	PhaseWriting Phase = "writing"    // all is read; the archive can be built
)

// State is what a sync was asked to read and how far it is.
type State struct {
	Phase         Phase
	Scope         Scope
	ResourceTypes []*v2.ResourceType // those that are synced, by id
	LeftOut       []string           // the ids of the source's other types
}

// Token names a page that has not been read.
type Token struct {
	ID     int64 // within the Store
	ListID int64
	List   List
	Token  string
	// Class and Rank say how urgent the page is: the lowest class first, within it
	// the lowest rank, then the lowest ID.
	Class, Rank int64
}

// Names of counters.
const (
	// CounterMoved counts how often a list showed that the source changes while it is
	// read.
	CounterMoved = "lists that moved"
	// CounterBlind counts verdicts on lists that show none of what another route shows.
	CounterBlind = "lists that another route shows"
	// CounterLookedUp counts the principals that were in no list and exist.
	CounterLookedUp = "principals looked up"
	// CounterLeftOut counts the grants of a page that were left out because the type
	// of the entitlement's resource is not synced.
	CounterLeftOut = "grants left out"
)

// KindCounts sums up what the lists of a kind counted and showed.
type KindCounts struct {
	Kind, Label string // as in [List]
	// Lists counted at least one row, Empty of them showed none.
	Lists, Empty int
	// Counted and Shown are rows of all lists; of a list that showed more than it
	// counted, because rows came and went, Shown is what it counted.
	Counted, Shown int64
	// EmptyCounted is what the empty lists counted together, and Examples are the
	// owners of those that counted most, with what they counted.
	EmptyCounted int64
	Examples     []CountedList
}

// CountedList is the owner of a list, and how many rows the list counted.
type CountedList struct {
	Owner   Ref
	Counted int64
}

// OpenList is a list that is not complete.
type OpenList struct {
	ID   int64
	List List
}

// Batch is what one page stores.
type Batch struct {
	// Token is the page's own; zero for what Source.Start returned.
	Token        Token
	Resources    []ResourceRow
	Hints        []ResourceRow
	Entitlements []EntitlementRow
	Grants       []GrantBlock
	Facts        []Fact
	Lists        []List
	Next         []string
	Receipt      []byte
	Settled      bool
	Gone         bool
	Rows, Total  int // rows of the list on this page and in all, for progress
	// Counted and Shown are those of a settled list.
	Counted, Shown int
	Remarks        []string
	Counts         map[string]int64
}

// Committed is what a Commit leaves to do.
type Committed struct {
	// Tokens are open since this commit.
	Tokens []Token
	// Idle says that the page's list has no open token left and is to be settled,
	// Complete that it is complete.
	Idle, Complete bool
}

// ResourceRow is a stored resource.
type ResourceRow struct {
	Ref  Ref
	Name string // display name
	Data []byte // serialized c1.connector.v2.Resource
}

// EntitlementRow is a stored entitlement.
type EntitlementRow struct {
	ID       string
	Resource Ref
	Data     []byte // serialized c1.connector.v2.Entitlement without its resource
	// ResourceName and ResourceData come with reading only.
	ResourceName string
	ResourceData []byte
}

// GrantBlock is the grants of one page on one entitlement.
type GrantBlock struct {
	Entitlement string
	Count       int    // grants in it
	Expandable  int    // those of them that expand
	Data        []byte // see pack
}

// Package paging reads lists page by page and proves that nothing is missing from
// them. It knows nothing of HTTP or of JumpCloud's objects: a [Lister] says how to
// fetch a window of a list and what tells its rows apart.
//
// A list that misses a row reads as "access was revoked", so a list is only complete
// when that is proven. [ReadPage] reads one page and names those that follow;
// [Lister.Settle] judges all pages together, and names further ones, or says that the
// list is complete, or fails with [ErrIncomplete]. Tokens and receipts are plain bytes
// that survive a restart; nothing else is kept, so both are safe for concurrent use.
// [ReadAll] does all of it for a short list.
//
// The files: paging.go holds the types and the first step of each page; token.go what
// a token says; receipt.go what a page leaves for the proof; sorted.go the proof of lists
// in the order of their ids, plain.go of those without an order; ways.go the other ways
// to read a list that moved, linked.go and lookups.go two of them.
// docs/ARCHITECTURE.md, "When a list is complete", tells the rules in words.
package paging

// Package explorer shows in a browser who has what and through what: one or several
// archives as pages that a person can search, sort, follow, link to and export.
//
// Pages are made on the server and whole without scripts; scripts add search while
// one types, charts drawn from tables, and the drawn graph of a person's access. All
// that a page shows is in its address, the sync among it.
//
// Nothing is written. Who may ask is decided by the package gate, which stands before
// [Explorer]; texts of the archive are nobody's we trust, and html/template keeps
// them text, while the content security policy takes nothing inline.
//
// A request becomes a view, which knows the sync and makes addresses; a page reads
// from the view's sync and fills one of the templates; lists of all kinds are a
// listing, which says how rows are read and what its columns are, once for the page
// and its exports.
package explorer

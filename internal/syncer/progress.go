package syncer

// Progress is a moment of a sync.
type Progress struct {
	Phase Phase
	// Kinds tell of the lists by kind, in a stable order; while reading.
	Kinds []KindProgress
	// PagesDone and PagesOpen count the pages that are read, and that are known and
	// not read yet; while reading.
	PagesDone, PagesOpen int64
	// Done and Total count principals while they are looked up, and entitlements
	// whose grants are written while writing.
	Done, Total int64
	// Grants counts the grants that are written.
	Grants int64
}

// KindProgress sums up the lists of one kind.
type KindProgress struct {
	Kind string
	// Lists are known, Complete of them are read to their end.
	Lists, Complete int64
	// Rows were read, of Total as far as the server told.
	Rows, Total int64
	// PagesDone and PagesOpen are as in Progress.
	PagesDone, PagesOpen int64
}

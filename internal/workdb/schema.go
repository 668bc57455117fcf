package workdb

// schemaVersion is kept as SQLite's user_version. A database with another one is
// discarded.
//
//   - 1: the first.
//   - 2: what lists count and show.
//   - 3: lists have a label, and their kinds are ids.
//   - 5: annotations of grants.
const schemaVersion = 5

// schema is made in one transaction together with the fingerprint, so that a
// database either has all of it or is empty.
const schema = `
CREATE TABLE meta (
	key   TEXT PRIMARY KEY,
	value NOT NULL
) WITHOUT ROWID;

CREATE TABLE lists (
	id         INTEGER PRIMARY KEY,
	kind       TEXT    NOT NULL,
	label      TEXT    NOT NULL, -- of the kind, for people
	owner_type TEXT    NOT NULL,
	owner_id   TEXT    NOT NULL,
	open       INTEGER NOT NULL DEFAULT 0, -- tokens that are not done
	settled    INTEGER NOT NULL DEFAULT 0, -- complete once nothing is open
	seen       INTEGER NOT NULL DEFAULT 0,
	total      INTEGER NOT NULL DEFAULT 0,
	counted    INTEGER NOT NULL DEFAULT 0, -- with the next column: by the last verdict
	shown      INTEGER NOT NULL DEFAULT 0,
	UNIQUE (kind, owner_type, owner_id)
);
CREATE INDEX lists_owner ON lists (owner_type, owner_id);
CREATE INDEX lists_idle ON lists (id) WHERE open = 0 AND settled = 0;

-- Tokens stay after they are done, so that a page that is stored twice, or names
-- them again, changes nothing. Their ids grow in the order of commits.
CREATE TABLE tokens (
	id    INTEGER PRIMARY KEY AUTOINCREMENT,
	list  INTEGER NOT NULL,
	token TEXT    NOT NULL,
	class INTEGER NOT NULL,
	rank  INTEGER NOT NULL,
	done  INTEGER NOT NULL DEFAULT 0,
	UNIQUE (list, token)
);
CREATE INDEX tokens_open ON tokens (class, rank, id) WHERE done = 0;

CREATE TABLE receipts (
	id   INTEGER PRIMARY KEY,
	list INTEGER NOT NULL,
	receipt BLOB    NOT NULL
);
CREATE INDEX receipts_list ON receipts (list, id);

CREATE TABLE resources (
	id       INTEGER PRIMARY KEY,
	type     TEXT    NOT NULL,
	resource TEXT    NOT NULL,
	hint     INTEGER NOT NULL,
	name     TEXT    NOT NULL,
	data     BLOB    NOT NULL,
	UNIQUE (type, resource)
);

CREATE TABLE entitlements (
	id          INTEGER PRIMARY KEY,
	entitlement TEXT NOT NULL UNIQUE,
	type        TEXT NOT NULL, -- with the next column: what it is an entitlement of
	resource    TEXT NOT NULL,
	data        BLOB NOT NULL
);

CREATE TABLE grants (
	id          INTEGER PRIMARY KEY,
	entitlement TEXT    NOT NULL,
	count       INTEGER NOT NULL,
	expandable  INTEGER NOT NULL,
	data        BLOB    NOT NULL
);
CREATE INDEX grants_entitlement ON grants (entitlement, id);
CREATE INDEX grants_expandable ON grants (entitlement) WHERE expandable > 0;

CREATE TABLE facts (
	kind  TEXT NOT NULL,
	key   TEXT NOT NULL,
	value TEXT NOT NULL,
	PRIMARY KEY (kind, key)
) WITHOUT ROWID;

CREATE TABLE remarks (remark TEXT PRIMARY KEY) WITHOUT ROWID;

-- Resources that were deleted while they were read, principals that were looked
-- up in vain, and those whose grants are another's.
CREATE TABLE vanished (type TEXT, resource TEXT, PRIMARY KEY (type, resource)) WITHOUT ROWID;
CREATE TABLE absent   (type TEXT, resource TEXT, PRIMARY KEY (type, resource)) WITHOUT ROWID;
CREATE TABLE aliases  (
	type        TEXT,
	resource    TEXT,
	to_type     TEXT NOT NULL,
	to_resource TEXT NOT NULL,
	PRIMARY KEY (type, resource)
) WITHOUT ROWID;

CREATE TABLE grant_annotations (entitlement TEXT PRIMARY KEY, data BLOB NOT NULL);

CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE spill (key TEXT PRIMARY KEY, value BLOB NOT NULL);

CREATE VIEW live_resources AS SELECT * FROM resources r
WHERE NOT EXISTS (SELECT 1 FROM vanished v WHERE v.type = r.type AND v.resource = r.resource)
  AND NOT EXISTS (SELECT 1 FROM aliases a WHERE a.type = r.type AND a.resource = r.resource);

CREATE VIEW live_entitlements AS SELECT * FROM entitlements e
WHERE NOT EXISTS (SELECT 1 FROM vanished v WHERE v.type = e.type AND v.resource = e.resource)
  AND NOT EXISTS (SELECT 1 FROM aliases a WHERE a.type = e.type AND a.resource = e.resource);

CREATE VIEW live_counts AS SELECT * FROM lists l WHERE counted > 0
  AND NOT EXISTS (SELECT 1 FROM vanished v WHERE v.type = l.owner_type AND v.resource = l.owner_id);
`

// Keys of the table meta.
const (
	metaOrganization = "organization"
	metaHost         = "host"
	metaSettings     = "settings"
	metaVersion      = "version"
	metaSyncID       = "sync_id"
	metaStarted      = "started_at" // RFC 3339 in UTC
	metaBoot         = "boot"       // the run of the machine that wrote it
	metaDiscard      = "spoiled"    // why the sync is not worth resuming
	metaPhase        = "phase"
	metaScope        = "scope"          // JSON
	metaTypes        = "resource_types" // JSON list of ids
	metaTook         = "took "          // + phase: nanoseconds
)

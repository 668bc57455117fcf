// Package hostedsync is the part of a stand-in platform that syncs a hosted connector: it
// runs the public sync algorithm over a connection to the connector's services, page by
// page, and writes what it got into an archive. It knows no JumpCloud, keeps everything in
// memory, and trusts the connector in nothing: what the public algorithm refuses is refused.
package hostedsync

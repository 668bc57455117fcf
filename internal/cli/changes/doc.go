// Package changes are the commands, and the modes of the root command, that change
// something in JumpCloud: access, accounts, groups and roles.
//
// Each is a job: it finds what is named (target.go by an archive or by JumpCloud, named.go by
// names), plans it, and previews it or asks and carries it out (job.go). How a change is made
// is the business of internal/provision, internal/accounts and internal/actions.
package changes

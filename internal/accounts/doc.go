// Package accounts creates and deletes accounts and rotates their passwords, as
// ConductorOne asks for it: profiles by the schema of new accounts, passwords by
// credential options, and secrets that leave encrypted for their recipients only.
package accounts

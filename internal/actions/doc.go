// Package actions is what can be invoked by name: the lifecycle of users and groups, as
// schemas for people and as changes that internal/provision makes. The command line and
// service mode invoke the same actions.
package actions

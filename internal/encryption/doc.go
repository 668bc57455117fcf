// Package encryption hands secrets to those who are to have them and to nobody else: the
// passwords that the connector makes leave it encrypted for the recipients that
// ConductorOne names, and those that it is given are opened with its own key.
//
// A recipient (recipient.go) is one of age, X25519 or post-quantum, or a public JSON Web
// Key. What a recipient gets is an age file, except for elliptic curves, for which it is
// a JWE. Errors name the recipient by its place, and never quote a key or a secret.
package encryption

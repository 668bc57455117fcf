// Package auth decides who may call a hosted connector: whoever shows a JSON Web Token
// that one of the platform's keys signed for this connector.
package auth

// Package egress is the way from this process to other hosts: through the proxy that
// the environment names, where it names one, and what a person can do where the way
// ends early.
//
// A proxy that is set is used or refused, and never left out: parsers that give up on
// an address without a word send the request, with its credential, around it.
package egress

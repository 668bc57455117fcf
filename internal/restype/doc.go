// Package restype names the resource types and forms the ids of what is of them.
//
// Ids are a promise. Reviews and automations outside are keyed on them, so no
// release may change how one is formed.
package restype

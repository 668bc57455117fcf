// Package restype is the one table of resource types: which there are, what they are
// called and where they show. Whatever lists types goes over [All]. What is done with
// the objects of a type hangs on its id: their mapping and lists in the connector,
// which has a test that no row lacks one.
//
// Ids are a promise. Reviews and automations outside are keyed on them, so no
// release may change how one is formed.
package restype

// Package query speaks the list grammar of the JumpCloud APIs over tables of
// fields: projections (fields), orders (sort) and filters, each in the form of
// API v1, of API v2 and of the v1 search routes.
//
// A [Table] names the fields of one kind of object in the order in which the
// service writes them, and how to read each from a Go value. From that one
// description come the JSON of an object, its projections, comparisons and
// filters, so that no object is ever marshaled by reflection: a simulator that
// answers for 100,000 users has to write a page in well under a millisecond.
//
// Sources of the grammar: the OpenAPI documents of API v1 and v2, JumpCloud's
// support page on filters, and the forms that its PowerShell module sends to
// the search routes. Where they are silent the comment of the function says
// what was chosen.
//
// All types are safe for concurrent use once made.
package query

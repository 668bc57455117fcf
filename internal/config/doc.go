// Package config holds every setting of the connector: one table of options
// that gives the command line flags, the BATON_* environment variables, the keys
// of the YAML file, the schema that hosting platforms ask for, the help text and
// docs/CONFIG.md, so that nothing is declared twice.
//
// # Nouns
//
// An [Option] is one row of the table. A [Layer] is where a value can come from:
// the default, the configuration file, the environment, the command line; the
// later one wins. An [Origin] says which layer a value came from and under which
// name, because some rules ask: what ./.baton.yaml may set depends on it, see
// [Reach]. A [Problem] is one thing that is wrong; [Load] finds all of them and
// returns them together as [Problems].
//
// # The file
//
// BATON_CONFIG_PATH names a file that ends in .yaml or .yml; without it
// ./.baton.yaml is read if there is one. Keys are flag names:
//
//	api-key: jca_0123456789
//	org-id: "64b000000000000000000001"
//	sync-resource-types: [user, group]
//
// A file that is malformed, unreadable or holds an unknown key is refused.
//
// # Secrets
//
// Each secret option can also be read from a file that an environment variable
// with the suffix _FILE names (BATON_API_KEY_FILE). Secrets are kept as
// [secret.String] and appear in no message of this package.
package config

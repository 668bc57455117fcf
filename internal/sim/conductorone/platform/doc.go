// Package platform is the side of ConductorOne that hosts connectors as functions, for
// tests and for the simulator: it encodes calls as its client does, sells tokens, serves
// a connector's configuration, and runs the connector behind a runtime on loopback.
package platform

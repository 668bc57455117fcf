// Package portal is the web interface of the stand-in for ConductorOne: the pages on
// which connectors are added and set up, and on which the data that arrives is looked
// at, in the steps and words of the product's set-up instructions for JumpCloud.
//
// Connectors call the simulated ConductorOne of internal/sim/conductorone; what they
// upload is shown by internal/explorer. The pages change state, which is kept in a file
// of a folder, and only there. They trust everybody: see internal/explorer/gate.
package portal

// Package hosted runs the connector as a function that a platform invokes: once for each
// call, which arrives in a frame and is answered in one.
//
// The platform serves the connector's settings. What is made of them is a generation; a
// call that names another version of them makes the next one, and the previous one is
// closed when its calls have ended. Nothing is kept between calls that the next one needs:
// it may reach another process.
package hosted

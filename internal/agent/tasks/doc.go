// Package tasks turns a task of ConductorOne into calls of the connector, and
// what they answer into the result that the task is finished with. It holds the
// rules of each task type: what is malformed, which errors are final, which
// annotations travel with the result, what may be done twice.
//
// Two types are not here, since they are about the agent rather than the
// connector: hello, which is answered by a greeting, and the full sync, which
// takes heartbeats and an upload.
package tasks

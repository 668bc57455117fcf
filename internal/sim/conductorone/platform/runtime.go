package platform

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// maxPayload is the limit of a request and of an answer, in bytes.
const maxPayload = 6 << 20

// The paths of the two sides of a runtime.
const (
	pathInvocation = "/2018-06-01/runtime/invocation/"
	pathFunctions  = "/2015-03-31/functions/"
)

// FunctionError is a function that failed to answer.
type FunctionError struct {
	Type    string `json:"errorType"`
	Message string `json:"errorMessage"`
}

// Error implements error.
func (e *FunctionError) Error() string { return e.Type + ": " + e.Message }

// Runtime hands invocations over to one process of a function, one at a time, over plain
// HTTP. It is an [http.Handler] of both sides: of the function, at the address that
// AWS_LAMBDA_RUNTIME_API names, and of whoever invokes it. It is safe for concurrent use.
type Runtime struct {
	// Timeout is how long one invocation may take; 30 s if 0.
	Timeout time.Duration

	turn  chan struct{} // is held by the invocation that is running
	ready chan *invocation

	mu      sync.Mutex
	running map[string]*invocation
	began   bool
	started chan struct{} // is closed when the function asks for the first invocation
}

// invocation is one call of the function.
type invocation struct {
	id, traceID string
	deadline    time.Time
	payload     []byte
	answer      chan outcome
}

// outcome is what became of an invocation.
type outcome struct {
	body        []byte
	contentType string
	err         error
}

// NewRuntime makes a runtime without a function.
func NewRuntime() *Runtime {
	return &Runtime{
		turn: make(chan struct{}, 1), ready: make(chan *invocation),
		running: make(map[string]*invocation), started: make(chan struct{}),
	}
}

// Started is closed when the function is ready for its first invocation.
func (r *Runtime) Started() <-chan struct{} { return r.started }

// Listen serves both sides on a free port of loopback until the context ends, and
// returns the address, host:port.
func (r *Runtime) Listen(ctx context.Context) (string, error) {
	var listen net.ListenConfig
	l, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("serve the simulated runtime: %w", err)
	}
	server := &http.Server{Handler: r, ReadHeaderTimeout: 10 * time.Second, BaseContext: func(net.Listener) context.Context { return ctx }}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(l) // It ends with Close.
	}()
	context.AfterFunc(ctx, func() { _ = server.Close(); <-ended })
	return l.Addr().String(), nil
}

// Invoke has the function answer a payload. An answer that is the function's error is a
// [*FunctionError].
func (r *Runtime) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	if len(payload) > maxPayload {
		return nil, fmt.Errorf("the request has %d bytes and may have %d", len(payload), maxPayload)
	}
	timeout := r.Timeout
	if timeout == 0 {
		timeout = 30 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	select {
	case r.turn <- struct{}{}:
		defer func() { <-r.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	deadline, _ := ctx.Deadline()
	i := &invocation{id: rand.Text(), traceID: "Root=1-" + rand.Text(), deadline: deadline, payload: payload, answer: make(chan outcome, 1)}
	select {
	case r.ready <- i:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case o := <-i.answer:
		return o.body, o.err
	case <-ctx.Done():
		r.forget(i.id)
		return nil, &FunctionError{Type: "Sandbox.Timedout", Message: "Task timed out after " + strconv.FormatFloat(timeout.Seconds(), 'f', 2, 64) + " seconds"}
	}
}

// forget ends an invocation and returns it; nil where it ended before.
func (r *Runtime) forget(id string) *invocation {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := r.running[id]
	delete(r.running, id)
	return i
}

// ServeHTTP implements [http.Handler].
func (r *Runtime) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if rest, ok := strings.CutPrefix(req.URL.Path, pathInvocation); ok {
		id, what, _ := strings.Cut(rest, "/")
		switch {
		case rest == "next" && req.Method == http.MethodGet:
			r.next(w, req)
		case what == "response" || what == "error":
			r.end(w, req, id, what == "error")
		default:
			http.NotFound(w, req)
		}
		return
	}
	if rest, ok := strings.CutPrefix(req.URL.Path, pathFunctions); ok && strings.HasSuffix(rest, "/invocations") && req.Method == http.MethodPost {
		r.invoked(w, req)
		return
	}
	http.NotFound(w, req)
}

// next hands the function its next invocation.
func (r *Runtime) next(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	if !r.began {
		r.began = true
		close(r.started)
	}
	r.mu.Unlock()
	select {
	case <-req.Context().Done():
	case i := <-r.ready:
		r.mu.Lock()
		r.running[i.id] = i
		r.mu.Unlock()
		h := w.Header()
		h.Set("Lambda-Runtime-Aws-Request-Id", i.id)
		h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(i.deadline.UnixMilli(), 10))
		h.Set("Lambda-Runtime-Trace-Id", i.traceID)
		h.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:123456789012:function:simulated")
		h.Set("Content-Type", "application/json")
		_, _ = w.Write(i.payload) // A function that went away does not answer.
	}
}

// end takes what the function answers.
func (r *Runtime) end(w http.ResponseWriter, req *http.Request, id string, failed bool) {
	body, err := io.ReadAll(io.LimitReader(req.Body, maxPayload+1))
	if err != nil {
		return // The function went away.
	}
	i := r.forget(id)
	if i == nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	o := outcome{body: body, contentType: req.Header.Get("Content-Type")}
	switch {
	case len(body) > maxPayload:
		o = outcome{err: &FunctionError{Type: "Function.ResponseSizeTooLarge", Message: "Response payload size exceeded maximum allowed payload size (6291556 bytes)."}}
		w.WriteHeader(http.StatusRequestEntityTooLarge)
	case failed:
		e := new(FunctionError)
		if err := json.Unmarshal(body, e); err != nil {
			e.Type, e.Message = "Unhandled", string(body)
		}
		o = outcome{err: e}
		w.WriteHeader(http.StatusAccepted)
	case o.contentType != "application/json":
		o = outcome{err: fmt.Errorf("the answer has the content type %q", o.contentType)}
		w.WriteHeader(http.StatusAccepted)
	default:
		w.WriteHeader(http.StatusAccepted)
	}
	i.answer <- o
}

// invoked answers as the Invoke API of AWS does.
func (r *Runtime) invoked(w http.ResponseWriter, req *http.Request) {
	payload, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxPayload))
	if err != nil {
		http.Error(w, "the request is too long", http.StatusRequestEntityTooLarge)
		return
	}
	body, err := r.Invoke(req.Context(), payload)
	w.Header().Set("Content-Type", "application/json")
	if failed, ok := errors.AsType[*FunctionError](err); ok {
		w.Header().Set("X-Amz-Function-Error", "Unhandled")
		body, err = json.Marshal(failed)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	_, _ = w.Write(body) // Whoever invoked it may have gone away.
}

package jcsim

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"syscall"
)

// RoundTripper calls the server without a network, for tests under virtual time
// and for measurements. It ends with the request's context, reports a dropped
// connection as a reset, and hands out a slow body while it is being sent.
func (s *Server) RoundTripper() http.RoundTripper { return inProcess{s} }

type inProcess struct{ handler http.Handler }

// RoundTrip implements [http.RoundTripper].
func (p inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(r.Context())
	inner := r.Clone(ctx)
	inner.RequestURI = r.URL.RequestURI()
	inner.RemoteAddr = "127.0.0.1:0"
	if inner.Host == "" {
		inner.Host = r.URL.Host
	}
	if inner.Body == nil {
		inner.Body = http.NoBody
	}
	w := &inProcessWriter{ctx: ctx, header: http.Header{}, started: make(chan struct{})}
	go func() {
		defer cancel()
		defer func() { w.finish(recover()) }()
		defer inner.Body.Close()
		p.handler.ServeHTTP(w, inner)
	}()
	select {
	case <-w.started:
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	if w.err != nil {
		return nil, w.err
	}
	return w.response(r), nil
}

// inProcessWriter gathers an answer. Until the first flush it is all in memory;
// from then on the client reads what the handler writes.
type inProcessWriter struct {
	ctx     context.Context //nolint:containedctx // lives as long as the request
	header  http.Header
	once    sync.Once
	started chan struct{} // closed when the client may look

	status int
	sent   http.Header // the header as it was when the status was written
	body   bytes.Buffer
	stream *io.PipeWriter
	reader *io.PipeReader
	err    error
}

// Header implements [http.ResponseWriter].
func (w *inProcessWriter) Header() http.Header { return w.header }

// WriteHeader implements [http.ResponseWriter].
func (w *inProcessWriter) WriteHeader(status int) {
	if w.status != 0 {
		return
	}
	w.status, w.sent = status, w.header.Clone()
	if n, err := strconv.Atoi(w.sent.Get("Content-Length")); err == nil {
		w.body.Grow(n)
	}
}

// Write implements [http.ResponseWriter].
func (w *inProcessWriter) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if w.stream != nil {
		return w.stream.Write(b)
	}
	return w.body.Write(b)
}

// Flush implements [http.Flusher].
func (w *inProcessWriter) Flush() {
	w.WriteHeader(http.StatusOK)
	if w.stream != nil {
		return
	}
	w.reader, w.stream = io.Pipe()
	stream := w.stream
	context.AfterFunc(w.ctx, func() { _ = stream.CloseWithError(w.ctx.Err()) })
	w.once.Do(func() { close(w.started) })
}

// finish ends the answer, which a panic with [http.ErrAbortHandler] cuts off.
func (w *inProcessWriter) finish(problem any) {
	aborted := problem != nil
	if err, ok := problem.(error); aborted && (!ok || !errors.Is(err, http.ErrAbortHandler)) {
		panic(problem)
	}
	switch {
	case w.stream != nil && aborted && w.ctx.Err() != nil: // the client's doing
		_ = w.stream.CloseWithError(w.ctx.Err())
	case w.stream != nil && aborted:
		_ = w.stream.CloseWithError(io.ErrUnexpectedEOF)
	case w.stream != nil:
		_ = w.stream.Close()
	case aborted || w.status == 0:
		w.err = &net.OpError{Op: "read", Net: "in-process", Err: syscall.ECONNRESET}
	}
	w.once.Do(func() { close(w.started) })
}

// response is the answer as a client sees it.
func (w *inProcessWriter) response(r *http.Request) *http.Response {
	res := &http.Response{
		Status: strconv.Itoa(w.status) + " " + http.StatusText(w.status), StatusCode: w.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: w.sent, Request: r, ContentLength: -1,
	}
	if n, err := strconv.ParseInt(w.sent.Get("Content-Length"), 10, 64); err == nil {
		res.ContentLength = n
	}
	if w.stream != nil {
		head := bytes.NewReader(bytes.Clone(w.body.Bytes()))
		res.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(head, w.reader), w.reader}
		return res
	}
	res.Body = io.NopCloser(bytes.NewReader(w.body.Bytes()))
	return res
}

package jcsim

import (
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/conductorone/baton-jumpcloud/internal/sim/jumpcloud/query"
)

// buffers lends room for answers. Room that one big page needed is kept.
var buffers = sync.Pool{New: func() any { return new([]byte) }} //nolint:gochecknoglobals // a pool is made to be shared

func takeBuffer() *[]byte { return buffers.Get().(*[]byte) } //nolint:forcetypeassert // New makes nothing else

func returnBuffer(b *[]byte) { buffers.Put(b) }

const jsonType = "application/json; charset=utf-8"

// raw is an answer of JSON that is given as text.
func (c *call) raw(status int, body string) answer {
	return answer{status: status, body: append(c.buf, body...), total: -1}
}

// noContent is what the graph answers to a write.
func noContent() answer { return answer{status: http.StatusNoContent, total: -1} }

// notFound is the answer for an object that does not exist. The text is not
// established; this is what clients' authors assume.
func (c *call) notFound() answer { return c.fail(http.StatusNotFound, "Not Found") }

// fail is a refusal as the API of the request words it.
func (c *call) fail(status int, message string) answer { return c.failAs("", status, message) }

// failAs is a refusal in one of the forms of [Fault]. The forms "spec" and "v1"
// are those of the documents and of recorded answers; the default is v1's for
// API v1 and a bare message for API v2.
func (c *call) failAs(form string, status int, message string) answer {
	a := answer{status: status, total: -1}
	b := c.buf
	switch {
	case form == "spec":
		b = append(b, `{"code":`...)
		b = strconv.AppendInt(b, int64(rpcCode(status)), 10)
		b = query.AppendString(append(b, `,"message":`...), message)
		b = query.AppendString(append(b, `,"status":`...), strings.ToUpper(strings.ReplaceAll(http.StatusText(status), " ", "_")))
		a.body = append(b, '}')
	case form == "text":
		a.contentType = "text/plain; charset=utf-8"
		a.body = append(b, message...)
	case form == "html":
		a.contentType = "text/html; charset=UTF-8"
		a.body = fmt.Appendf(b, "<html><head><title>%d %s</title></head><body><center><h1>%d %s</h1></center><hr><center>cloudflare</center></body></html>",
			status, http.StatusText(status), status, http.StatusText(status))
	case form == "empty":
	case form == "v1" || !c.v2():
		b = query.AppendString(append(b, `{"error":`...), http.StatusText(status))
		b = query.AppendString(append(b, `,"message":`...), http.StatusText(status)+": "+message)
		a.body = append(b, '}')
	default:
		b = query.AppendString(append(b, `{"message":`...), message)
		a.body = append(b, '}')
	}
	return a
}

// invalid is the 400 of the documents, with details of one field.
func (c *call) invalid(field, description string) answer {
	b := append(c.buf, `{"code":3,"message":`...)
	b = query.AppendString(b, "Bad Request: "+field+": "+description)
	b = append(b, `,"status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"field":`...)
	b = query.AppendString(b, field)
	b = query.AppendString(append(b, `,"description":`...), description)
	b = append(b, "}]}]}"...)
	return answer{status: http.StatusBadRequest, body: b, total: -1}
}

// rpcCode is the code of the documents' error bodies for a status.
func rpcCode(status int) int {
	switch status {
	case http.StatusBadRequest:
		return 3
	case http.StatusUnauthorized:
		return 16
	case http.StatusForbidden:
		return 7
	case http.StatusNotFound:
		return 5
	case http.StatusConflict:
		return 6
	case http.StatusTooManyRequests:
		return 8
	case http.StatusNotImplemented:
		return 12
	case http.StatusServiceUnavailable:
		return 14
	default:
		return 13
	}
}

// unknownRoute answers as Express does, with text.
func unknownRoute(c *call) answer {
	a := answer{status: http.StatusNotFound, contentType: "text/html; charset=utf-8", total: -1}
	a.body = fmt.Appendf(c.buf, "Cannot %s %s", c.r.Method, c.r.URL.Path)
	return a
}

// write sends an answer, with what the faults do to it on the way.
func (c *call) write(w http.ResponseWriter, a answer, h hits) {
	switch h.effect() {
	case EffectHang:
		<-c.r.Context().Done()
		panic(http.ErrAbortHandler)
	case EffectReset, EffectResetAfter:
		drop(w)
	}
	header := w.Header()
	header.Set("Content-Type", jsonType)
	if a.contentType != "" {
		header.Set("Content-Type", a.contentType)
	}
	header.Set("Cache-Control", "no-store")
	if a.location != "" {
		header.Set("Location", a.location)
	}
	if a.retryAfter != "" {
		header.Set("Retry-After", a.retryAfter)
	}
	for name, value := range a.header {
		header.Set(name, value)
	}
	if a.total >= 0 {
		header.Set("X-Total-Count", strconv.Itoa(a.total))
	}
	c.s.stats.sent(len(a.body))
	if h.effect() == EffectHuge {
		c.flood(w, h.end.Size)
		return
	}
	body := a.body
	if c.cfg.Compress && len(body) > 0 && strings.Contains(c.r.Header.Get("Accept-Encoding"), "gzip") {
		header.Set("Content-Encoding", "gzip")
		body = compressed(body)
	}
	if a.status != http.StatusNoContent {
		header.Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(a.status)
	switch {
	case h.slow > 0:
		c.trickle(w, body, h.slow, h.cut)
	case h.cut:
		_, _ = w.Write(body[:len(body)/2])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	default:
		_, _ = w.Write(body) // a client that went away needs no answer
	}
}

func compressed(body []byte) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, _ = z.Write(body) // a buffer takes everything
	_ = z.Close()
	return out.Bytes()
}

// trickle sends a body in twenty pieces.
func (c *call) trickle(w http.ResponseWriter, body []byte, pause time.Duration, cut bool) {
	const pieces = 20
	control := http.NewResponseController(w)
	for i := range pieces {
		if cut && i == pieces/2 {
			panic(http.ErrAbortHandler)
		}
		if _, err := w.Write(body[i*len(body)/pieces : (i+1)*len(body)/pieces]); err != nil {
			return
		}
		_ = control.Flush()
		if wait(c.r.Context(), pause) != nil {
			panic(http.ErrAbortHandler)
		}
	}
}

// flood sends the beginning of a list of a given length, and no end.
func (c *call) flood(w http.ResponseWriter, size int64) {
	w.WriteHeader(http.StatusOK)
	head := "["
	if !c.v2() {
		head = `{"totalCount":1000000,"results":[`
	}
	_, _ = w.Write([]byte(head))
	piece := bytes.Repeat([]byte(`{"_id":"64b000000000000000000001","id":"64b000000000000000000001"},`), 1000)
	for sent := int64(len(head)); sent < size && c.r.Context().Err() == nil; sent += int64(len(piece)) {
		if _, err := w.Write(piece[:min(int64(len(piece)), size-sent)]); err != nil {
			return
		}
	}
}

// drop ends the connection without an answer: with a TCP reset where there is a
// connection of HTTP/1, else in the way that the server has for it.
func drop(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	inner := conn
	if secure, ok := conn.(*tls.Conn); ok {
		inner = secure.NetConn()
	}
	if tcp, ok := inner.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = inner.Close()
	panic(http.ErrAbortHandler)
}

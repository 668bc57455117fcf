// Package proxysim is a proxy for tests: one of HTTP, of HTTP over TLS, or SOCKS5. It
// resolves names by a table, so that a host which exists nowhere can be reached through
// it and in no other way.
package proxysim

import (
	"bufio"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
)

// Options say what a proxy does.
type Options struct {
	// SOCKS makes it one of SOCKS5 instead of HTTP.
	SOCKS bool
	// User and Password are asked for; both empty lets everybody in.
	User, Password string
	// Hosts are the addresses that host:port stands for. Others are refused.
	Hosts map[string]string
}

// Server is a proxy. It is safe for concurrent use.
type Server struct {
	options  Options
	listener net.Listener
	serving  sync.WaitGroup

	mu        sync.Mutex
	closed    bool
	open      map[net.Conn]bool
	connected []string
}

// Serve answers on a listener, which may be one of TLS, until Close.
func Serve(l net.Listener, o Options) *Server {
	s := &Server{options: o, listener: l, open: make(map[net.Conn]bool)}
	s.serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s.serving.Go(func() { s.answer(conn) })
		}
	})
	return s
}

// Addr is host:port of the proxy.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Connected lists the hosts that somebody was connected to, in order.
func (s *Server) Connected() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.connected)
}

// Close ends every connection.
func (s *Server) Close() error {
	err := s.listener.Close()
	s.mu.Lock()
	s.closed = true
	for conn := range s.open {
		_ = conn.Close()
	}
	s.mu.Unlock()
	s.serving.Wait()
	return err
}

// hold notes a connection to close, or closes it where all are closed already.
func (s *Server) hold(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = conn.Close()
		return false
	}
	s.open[conn] = true
	return true
}

// drop closes a connection.
func (s *Server) drop(conn net.Conn) {
	_ = conn.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, conn)
}

// answer serves one connection.
func (s *Server) answer(near net.Conn) {
	if !s.hold(near) {
		return
	}
	defer s.drop(near)
	reader := bufio.NewReader(near)
	var far net.Conn
	var err error
	if s.options.SOCKS {
		far, err = s.socks(near, reader)
	} else {
		far, err = s.connect(near, reader)
	}
	if err != nil {
		return // The client was told.
	}
	if !s.hold(far) {
		return
	}
	defer s.drop(far)
	s.serving.Go(func() {
		_, _ = io.Copy(far, reader)
		_ = far.Close()
	})
	_, _ = io.Copy(near, far)
}

// dial connects to what a host stands for.
func (s *Server) dial(host string) (net.Conn, error) {
	address, known := s.options.Hosts[host]
	if !known {
		return nil, errors.New("no such host")
	}
	far, err := net.Dial("tcp", address) //nolint:noctx // It is on this machine.
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.connected = append(s.connected, host)
	return far, nil
}

// connect serves CONNECT of HTTP.
func (s *Server) connect(near net.Conn, reader *bufio.Reader) (net.Conn, error) {
	request, err := http.ReadRequest(reader)
	if err != nil {
		return nil, err
	}
	answer := func(status int) {
		_, _ = io.WriteString(near, "HTTP/1.1 "+strconv.Itoa(status)+" "+http.StatusText(status)+"\r\nContent-Length: 0\r\n\r\n")
	}
	want := "Basic " + base64.StdEncoding.EncodeToString([]byte(s.options.User+":"+s.options.Password))
	switch {
	case request.Method != http.MethodConnect:
		answer(http.StatusMethodNotAllowed)
		return nil, errors.New("no CONNECT")
	case s.options.User != "" && request.Header.Get("Proxy-Authorization") != want:
		answer(http.StatusProxyAuthRequired)
		return nil, errors.New("no password")
	}
	far, err := s.dial(request.Host)
	if err != nil {
		answer(http.StatusForbidden)
		return nil, err
	}
	_, err = io.WriteString(near, "HTTP/1.1 200 Connection established\r\n\r\n")
	return far, err
}

// socks serves SOCKS5 (RFC 1928, and RFC 1929 for the password).
func (s *Server) socks(near net.Conn, reader *bufio.Reader) (net.Conn, error) {
	const version, none, password, refused = 5, 0, 2, 0xff
	if _, err := reader.Discard(1); err != nil {
		return nil, err
	}
	methods, err := counted(reader)
	if err != nil {
		return nil, err
	}
	method := byte(none)
	if s.options.User != "" {
		method = password
	}
	if !slices.Contains([]byte(methods), method) {
		_, _ = near.Write([]byte{version, refused})
		return nil, errors.New("no method")
	}
	if _, err := near.Write([]byte{version, method}); err != nil {
		return nil, err
	}
	if method == password {
		if err := s.authenticate(near, reader); err != nil {
			return nil, err
		}
	}
	host, err := socksTarget(reader)
	if err != nil {
		return nil, err
	}
	far, err := s.dial(host)
	status := byte(0)
	if err != nil {
		status = 2 // not allowed by the rules
	}
	if _, wrote := near.Write([]byte{version, status, 0, 1, 0, 0, 0, 0, 0, 0}); err == nil {
		err = wrote
	}
	return far, err
}

func (s *Server) authenticate(near net.Conn, reader *bufio.Reader) error {
	if _, err := reader.Discard(1); err != nil {
		return err
	}
	user, err := counted(reader)
	if err != nil {
		return err
	}
	password, err := counted(reader)
	if err != nil {
		return err
	}
	if user != s.options.User || password != s.options.Password {
		_, _ = near.Write([]byte{1, 1})
		return errors.New("wrong password")
	}
	_, err = near.Write([]byte{1, 0})
	return err
}

// socksTarget reads host:port of a request, which must name the host: whoever resolved
// it would have asked somebody else.
func socksTarget(reader *bufio.Reader) (string, error) {
	const domain = 3
	head := make([]byte, 4)
	if _, err := io.ReadFull(reader, head); err != nil {
		return "", err
	}
	if head[3] != domain {
		return "", errors.New("the host is not named")
	}
	host, err := counted(reader)
	if err != nil {
		return "", err
	}
	var port uint16
	if err := binary.Read(reader, binary.BigEndian, &port); err != nil {
		return "", err
	}
	return net.JoinHostPort(host, strconv.Itoa(int(port))), nil
}

// counted reads a text with its length in a byte before it.
func counted(reader *bufio.Reader) (string, error) {
	n, err := reader.ReadByte()
	if err != nil {
		return "", err
	}
	text := make([]byte, n)
	_, err = io.ReadFull(reader, text)
	return string(text), err
}

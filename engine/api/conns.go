package api

import (
	"net"
	"net/http"
	"sync"
)

// roomy is a listener with room for so many connections at once. When they are all taken, the one that has been idle
// longest is closed to make room: idle connections cost their holder nothing, and must not keep others out. When none is
// idle, who comes waits.
type roomy struct {
	net.Listener
	room chan struct{} // a place for each connection

	mu   sync.Mutex
	idle []net.Conn // guarded by mu; longest first: connections that wait for a request, or have sent none yet
}

func newRoomy(l net.Listener, max int) *roomy {
	return &roomy{Listener: l, room: make(chan struct{}, max)}
}

// Accept waits for a connection, then for room.
func (l *roomy) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	select {
	case l.room <- struct{}{}:
	default:
		l.closeIdle()
		l.room <- struct{}{}
	}
	return &roomyConn{Conn: c, leave: sync.OnceFunc(func() { <-l.room })}, nil
}

// closeIdle closes the connection that is idle longest, if one is.
func (l *roomy) closeIdle() {
	l.mu.Lock()
	var longest net.Conn
	if len(l.idle) > 0 {
		longest, l.idle = l.idle[0], l.idle[1:]
	}
	l.mu.Unlock()
	if longest != nil { // without mu: TLS takes leave of its peer, which may take seconds to listen
		go longest.Close()
	}
}

// state keeps the list of idle connections; http.Server calls it.
func (l *roomy) state(c net.Conn, state http.ConnState) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, held := range l.idle {
		if held == c {
			l.idle = append(l.idle[:i:i], l.idle[i+1:]...)
			break
		}
	}
	if state == http.StateNew || state == http.StateIdle {
		l.idle = append(l.idle, c)
	}
}

// roomyConn gives its place back when it is closed.
type roomyConn struct {
	net.Conn
	leave func()
}

func (c *roomyConn) Close() error {
	err := c.Conn.Close()
	c.leave()
	return err
}

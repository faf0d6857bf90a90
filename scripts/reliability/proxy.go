package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// link is a TCP proxy between two parts, which can be cut, stalled and broken
// in the middle of a message.
type link struct {
	name     string
	to       string // where it leads
	listener net.Listener

	refuse atomic.Bool  // connections are closed as soon as they are made
	stall  atomic.Bool  // nothing is passed on, either way
	budget atomic.Int64 // bytes that are passed before a reset; below 0: no bound
	slow   atomic.Int64 // pause before each piece, ns

	mu    sync.Mutex
	conns map[net.Conn]bool
}

// newLink listens on a free port.
func newLink(name string) (*link, error) {
	l := &link{name: name, conns: map[net.Conn]bool{}}
	l.budget.Store(-1)
	var err error
	if l.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("open the proxy %s: %w", name, err)
	}
	go l.serve()
	return l, nil
}

func (l *link) address() string { return l.listener.Addr().String() }

// serve ends when the listener is closed.
func (l *link) serve() {
	for {
		c, err := l.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		if l.refuse.Load() || l.to == "" {
			reset(c)
			continue
		}
		go l.join(c)
	}
}

func (l *link) join(from net.Conn) {
	to, err := net.DialTimeout("tcp", l.to, 2*time.Second)
	if err != nil {
		reset(from)
		return
	}
	l.mu.Lock()
	l.conns[from], l.conns[to] = true, true
	l.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { l.pass(to, from) })
	both.Go(func() { l.pass(from, to) })
	both.Wait()
	l.mu.Lock()
	delete(l.conns, from)
	delete(l.conns, to)
	l.mu.Unlock()
	from.Close()
	to.Close()
}

// pass copies until one side ends.
func (l *link) pass(to, from net.Conn) {
	piece := make([]byte, 32<<10)
	for {
		n, err := from.Read(piece)
		for l.stall.Load() {
			time.Sleep(20 * time.Millisecond)
		}
		if d := l.slow.Load(); d > 0 {
			time.Sleep(time.Duration(d))
		}
		if n > 0 && l.budget.Load() >= 0 {
			if left := l.budget.Add(int64(-n)); left < 0 {
				_, _ = to.Write(piece[:max(0, n+int(left))])
				l.budget.Store(-1)
				reset(to)
				reset(from)
				return
			}
		}
		if n > 0 {
			if _, werr := to.Write(piece[:n]); werr != nil {
				reset(from)
				return
			}
		}
		if err != nil {
			if errors.Is(err, io.EOF) {
				if t, ok := to.(*net.TCPConn); ok {
					_ = t.CloseWrite()
				}
			} else {
				reset(to)
			}
			return
		}
	}
}

// cut resets every connection.
func (l *link) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.conns {
		reset(c)
	}
}

// reset closes a connection so that the other side is told of no orderly end.
func reset(c net.Conn) {
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	c.Close()
}

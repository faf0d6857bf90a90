package door

import (
	"net"
	"sync"
)

// limiter is a listener that closes at once what exceeds the number of open
// connections, in all or of one address. To make them wait instead would let
// one sender keep all others out.
type limiter struct {
	net.Listener
	most, perAddress int

	mu   sync.Mutex
	open int
	from map[string]int
}

// Limit bounds the open connections of a listener.
func Limit(l net.Listener, most, perAddress int) net.Listener {
	return &limiter{Listener: l, most: most, perAddress: perAddress, from: map[string]int{}}
}

// Accept gives the next connection within the limits.
func (l *limiter) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		address, _, err := net.SplitHostPort(c.RemoteAddr().String())
		if err != nil {
			address = c.RemoteAddr().String()
		}
		if l.enter(address) {
			return &limited{Conn: c, leave: func() { l.leave(address) }}, nil
		}
		// Nothing was said on it yet, so there is nothing to lose.
		_ = c.Close()
	}
}

func (l *limiter) enter(address string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open >= l.most || l.from[address] >= l.perAddress {
		return false
	}
	l.open++
	l.from[address]++
	return true
}

func (l *limiter) leave(address string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open--
	if l.from[address]--; l.from[address] == 0 {
		delete(l.from, address)
	}
}

// limited is a connection that gives its place back once.
type limited struct {
	net.Conn
	once  sync.Once
	leave func()
}

// Close closes the connection.
func (c *limited) Close() error {
	c.once.Do(c.leave)
	return c.Conn.Close()
}

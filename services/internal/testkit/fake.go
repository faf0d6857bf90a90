package testkit

import (
	"net"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
)

// Fake starts an embedded broker inside the test's process and gives its
// address.
func Fake(tb testing.TB) []string {
	tb.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.Close)
	return c.ListenAddrs()
}

// FakeThatDies starts an embedded broker inside the test's process that can
// die, and come back empty at the same address. The port is held all the while,
// so that nobody else can be given it; who knocks meanwhile is turned away.
func FakeThatDies(tb testing.TB, options ...kfake.Opt) (brokers []string, die, comeBack func()) {
	tb.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	d := &doorway{Listener: ln}
	tb.Cleanup(func() { ln.Close() })
	go d.run() // ends with the listener
	var cluster *kfake.Cluster
	begin := func() {
		tb.Helper()
		c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1), kfake.ListenFn(d.lodge)}, options...)...)
		if err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(c.Close)
		cluster = c
	}
	begin()
	return []string{ln.Addr().String()}, func() { cluster.Close() }, begin
}

// doorway is a listener that passes connections on to whoever lodges behind it.
type doorway struct {
	net.Listener
	mu     sync.Mutex
	lodger *lodger
}

// lodger is a listener that closes without its doorway.
type lodger struct {
	doorway *doorway
	conns   chan net.Conn
	gone    chan struct{}
	leave   func()
}

// run ends when the listener is closed.
func (d *doorway) run() {
	for {
		c, err := d.Accept()
		if err != nil {
			return
		}
		d.mu.Lock()
		l := d.lodger
		d.mu.Unlock()
		if l == nil {
			c.Close()
			continue
		}
		select {
		case l.conns <- c:
		case <-l.gone:
			c.Close()
		}
	}
}

func (d *doorway) lodge(_, _ string) (net.Listener, error) {
	l := &lodger{doorway: d, conns: make(chan net.Conn), gone: make(chan struct{})}
	l.leave = sync.OnceFunc(func() { close(l.gone) })
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lodger = l
	return l, nil
}

func (l *lodger) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.gone:
		return nil, net.ErrClosed
	}
}

func (l *lodger) Close() error {
	l.leave()
	return nil
}

func (l *lodger) Addr() net.Addr { return l.doorway.Addr() }

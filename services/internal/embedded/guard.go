package embedded

import (
	"bufio"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/ClickHouse/ch-go/proto"
)

// GuardConfig are the settings of the guard: a proxy before the engine's
// native port. The engine aborts whole on a log-in that is refused and on a
// connection that is reset; the guard answers the first itself and turns the
// second into a clean close.
type GuardConfig struct {
	Listen     string // host:port that people know
	EngineAddr string // host:port of the engine's native port
	EngineHTTP string // URL, asked whether a database exists
	Accounts   Accounts
}

// Limits of the guard.
const (
	// maxHello bounds the first packet: names, versions, a user and a password.
	maxHello = 4 << 10
	// helloTimeout is how long a client may take to say it.
	helloTimeout = 5 * time.Second
	// maxGuarded connections are open at once; BI tools open 50 each.
	maxGuarded = 512
	// drainFor is how long an answer is read on after its client has gone: to
	// close with bytes unread would reset the connection to the engine.
	drainFor = 2 * time.Minute
)

func runGuard(ctx context.Context, c GuardConfig) error {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("guard %s: %w", c.EngineAddr, err)
	}
	return (&guard{GuardConfig: c}).serve(ctx, ln)
}

type guard struct{ GuardConfig }

// serve takes connections until the context ends, then closes them all.
func (g *guard) serve(ctx context.Context, ln net.Listener) error {
	var open sync.WaitGroup
	defer open.Wait()
	stop := context.AfterFunc(ctx, func() { ln.Close() })
	defer stop()
	places := make(chan struct{}, maxGuarded)
	for {
		conn, err := ln.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("accept on %s: %w", ln.Addr(), err)
		}
		client, ok := conn.(*net.TCPConn)
		if !ok {
			conn.Close()
			continue
		}
		select {
		case places <- struct{}{}:
		default:
			refuse(client, proto.ErrTooManySimultaneousQueries, fmt.Sprintf("more than %d connections", maxGuarded))
			client.Close()
			continue
		}
		open.Go(func() {
			defer func() { <-places }()
			g.handle(ctx, client)
		})
	}
}

func (g *guard) handle(ctx context.Context, client *net.TCPConn) {
	defer client.Close()
	if err := client.SetReadDeadline(time.Now().Add(helloTimeout)); err != nil {
		return
	}
	hello, raw, err := readHello(client)
	if err != nil {
		refuse(client, proto.ErrUnexpectedPacketFromClient, err.Error())
		return
	}
	if code, reason := g.judge(ctx, hello); reason != "" {
		refuse(client, code, reason)
		return
	}
	if err := client.SetReadDeadline(time.Time{}); err != nil {
		return
	}
	d := net.Dialer{Timeout: queryTimeout}
	conn, err := d.DialContext(ctx, "tcp", g.EngineAddr)
	if err != nil {
		refuse(client, proto.ErrNetworkError, "the engine is not up")
		return
	}
	engine, ok := conn.(*net.TCPConn)
	if !ok {
		conn.Close()
		return
	}
	defer engine.Close()
	if _, err := engine.Write(raw); err != nil {
		refuse(client, proto.ErrNetworkError, "the engine went away")
		return
	}
	pass(ctx, client, engine)
}

// pass carries bytes both ways until both sides have ended. Whatever the
// client does, the engine sees an end of file and never a reset.
func pass(ctx context.Context, client, engine *net.TCPConn) {
	stop := context.AfterFunc(ctx, func() { client.Close() })
	defer stop()
	var up sync.WaitGroup
	up.Go(func() {
		// A client that is gone, politely or not, ends the engine's input.
		_, _ = io.Copy(engine, client)
		_ = engine.CloseWrite()
		_ = engine.SetReadDeadline(time.Now().Add(drainFor))
	})
	if _, err := io.Copy(client, engine); err == nil {
		_ = client.CloseWrite()
	} else {
		// The client does not read: read on in its place, or the engine's
		// answer would meet a closed connection.
		_ = client.CloseRead()
		_, _ = io.Copy(io.Discard, engine)
	}
	// The engine has ended: a client that stays silent has no one to talk to.
	_ = client.SetReadDeadline(time.Now().Add(time.Second))
	up.Wait()
}

// readHello reads the client's first packet and gives it beside its bytes and
// those that came with it.
func readHello(r io.Reader) (proto.ClientHello, []byte, error) {
	var raw recorder
	in := bufio.NewReaderSize(io.TeeReader(io.LimitReader(r, maxHello), &raw), 1)
	code, err := in.ReadByte()
	if err != nil {
		return proto.ClientHello{}, nil, fmt.Errorf("no hello: %w", err)
	}
	if code != byte(proto.ClientCodeHello) {
		return proto.ClientHello{}, nil, fmt.Errorf("packet %d where a hello belongs", code)
	}
	var h proto.ClientHello
	text := func(into *string) {
		if err == nil {
			*into, err = readText(in)
		}
	}
	number := func(into *int) {
		if err == nil {
			var v uint64
			v, err = readNumber(in)
			*into = int(v)
		}
	}
	text(&h.Name)
	number(&h.Major)
	number(&h.Minor)
	number(&h.ProtocolVersion)
	text(&h.Database)
	text(&h.User)
	text(&h.Password)
	if err != nil {
		return h, nil, fmt.Errorf("a hello that cannot be read: %w", err)
	}
	return h, raw.b, nil
}

type recorder struct{ b []byte }

func (r *recorder) Write(p []byte) (int, error) {
	r.b = append(r.b, p...)
	return len(p), nil
}

func readNumber(r io.ByteReader) (uint64, error) {
	var v uint64
	for shift := 0; shift < 35; shift += 7 { // versions and lengths fit 32 bits
		c, err := r.ReadByte()
		if err != nil {
			return 0, err
		}
		v |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return v, nil
		}
	}
	return 0, errors.New("a number of more than five bytes")
}

func readText(r *bufio.Reader) (string, error) {
	n, err := readNumber(r)
	if err != nil {
		return "", err
	}
	if n > maxHello {
		return "", fmt.Errorf("a text of %d bytes", n)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(r, b); err != nil {
		return "", err
	}
	return string(b), nil
}

// judge says why the engine would refuse this hello, or nothing.
func (g *guard) judge(ctx context.Context, h proto.ClientHello) (proto.Error, string) {
	var want string
	switch h.User {
	case UserServices:
		want = g.Accounts.Services
	case UserBI:
		want = g.Accounts.BI
	}
	got, right := sha256.Sum256([]byte(h.Password)), sha256.Sum256([]byte(want))
	if want == "" || subtle.ConstantTimeCompare(got[:], right[:]) != 1 {
		return proto.ErrAuthenticationFailed,
			h.User + ": Authentication failed: password is incorrect, or there is no user with such name."
	}
	if h.Database == "" {
		return 0, ""
	}
	n, err := httpQuery(ctx, g.EngineHTTP, UserServices, g.Accounts.Services,
		"SELECT count() FROM system.databases WHERE name = {name:String}", map[string]string{"name": h.Database})
	if err != nil {
		return proto.ErrNetworkError, "the engine is not up"
	}
	if n == "0" {
		return proto.ErrUnknownDatabase, fmt.Sprintf("Database `%s` does not exist.", h.Database)
	}
	return 0, ""
}

// refuse answers with an exception as the engine would write it.
func refuse(client *net.TCPConn, code proto.Error, reason string) {
	var b proto.Buffer
	b.PutByte(byte(proto.ServerCodeException))
	e := proto.Exception{Code: code, Name: "DB::Exception", Message: "DB::Exception: " + reason}
	e.EncodeAware(&b, 0)
	if _, err := client.Write(b.Buf); err != nil {
		return
	}
	// What the client still sends is read for a moment, so that its answer is
	// not lost in a reset.
	_ = client.CloseWrite()
	_ = client.SetReadDeadline(time.Now().Add(time.Second))
	_, _ = io.CopyN(io.Discard, client, maxHello)
}

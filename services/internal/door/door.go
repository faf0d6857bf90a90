// Package door is what every door to the network has: the timeouts of a server,
// the bounds on its connections, the headers of a refusal, and what the process
// tells of itself.
//
// It does not know who comes in, or what for.
package door

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"
)

// Timeouts of a server, each against a way to hold a connection open.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 15 * time.Second // a body of 4 MiB at 280 KB/s
	writeTimeout      = 30 * time.Second // above readTimeout and Kafka's 10 s
	idleTimeout       = 60 * time.Second
	maxHeaderBytes    = 16 << 10
	// drainTimeout lets requests end that wait for Kafka.
	drainTimeout = 12 * time.Second
)

// Door is one listener and who serves on it.
type Door struct {
	Listener   net.Listener
	Handler    http.Handler
	Log        *zap.Logger
	Most       int // open connections
	PerAddress int // open connections of one address
}

// Serve serves until ctx ends, lets requests end and gives nil. The context of
// a request ends with ctx where endless is set: for answers that would go on
// for ever.
func (d Door) Serve(ctx context.Context, endless bool) error {
	server := &http.Server{
		Handler:           d.Handler,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          zap.NewStdLog(d.Log.Named("http")),
	}
	if endless {
		server.BaseContext = func(net.Listener) context.Context { return ctx }
	}
	group, running := errgroup.WithContext(ctx)
	group.Go(func() error {
		err := server.Serve(Limit(d.Listener, d.Most, d.PerAddress))
		if errors.Is(err, http.ErrServerClosed) {
			return nil
		}
		return fmt.Errorf("serve: %w", err)
	})
	group.Go(func() error {
		<-running.Done()
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
		defer cancel()
		if err := server.Shutdown(closing); err != nil {
			return fmt.Errorf("drain requests: %w", err)
		}
		return nil
	})
	return group.Wait()
}

// Refuse sets the headers of an answer that refuses, by RFC 9457 and RFC 9110:
// wait is when to come again.
func Refuse(h http.Header, status int, wait time.Duration) {
	switch status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", `Bearer realm="nabz"`)
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		h.Set("Retry-After", strconv.Itoa(max(1, int((wait+time.Second-1)/time.Second))))
	}
	h.Set("Content-Type", "application/problem+json")
}

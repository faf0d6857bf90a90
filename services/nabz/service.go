package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/nabz/nabz/services/internal/ready"
)

// service is what every service package makes by New.
type service interface {
	Run(context.Context) error
	Address(context.Context) net.Addr
}

// serviceFlags are the flags of every service alone.
type serviceFlags struct {
	Listen    string `help:"Address of /healthz, /readyz and /metrics, and of a collector's door; port 0: any." default:"127.0.0.1:0" placeholder:"HOST:PORT"`
	ReadyFile string `help:"File to write when the service is ready." placeholder:"F"`
}

// readyPoll is how often a service is asked whether it is ready.
const readyPoll = 50 * time.Millisecond

// serve runs a service until it is asked to stop. Where a ready file is wanted
// it is written when /readyz says so and removed at the end.
func (c serviceFlags) serve(a *app, name string, s service) error {
	if c.ReadyFile == "" {
		return s.Run(a.ctx)
	}
	g, ctx := errgroup.WithContext(a.ctx)
	running, stop := context.WithCancel(ctx)
	g.Go(func() error {
		defer stop()
		return s.Run(ctx)
	})
	g.Go(func() error {
		addr := s.Address(running)
		if addr == nil {
			return nil
		}
		url := "http://" + addr.String()
		tick := time.NewTicker(readyPoll)
		defer tick.Stop()
		for !isReady(running, url) {
			select {
			case <-running.Done():
				return nil
			case <-tick.C:
			}
		}
		f := ready.File{PIDs: map[string]int{name: os.Getpid()}, Version: versionText(), Kafka: joined(a.Kafka)}
		switch name {
		case partCollector:
			f.Collector = url
		case partGateway:
			f.Gateway = url
		}
		return ready.Write(c.ReadyFile, f)
	})
	err := g.Wait()
	if rm := os.Remove(c.ReadyFile); rm != nil && !os.IsNotExist(rm) {
		a.log.Warn("remove ready file", zap.Error(rm))
	}
	return err
}

// isReady asks a service's /readyz.
func isReady(ctx context.Context, url string) bool {
	return askReady(ctx, url) == nil
}

func askReady(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/readyz", nil)
	if err != nil {
		return fmt.Errorf("ask %s: %w", url, err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("ask %s: %w", url, err)
	}
	defer res.Body.Close()
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("ask %s: %s", url, res.Status)
	}
	return nil
}

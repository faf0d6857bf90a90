package supervise

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
)

// Ports gives each name a free port of the host, the one of last time where
// the file remembers it, and remembers them: what people bookmarked stays.
func Ports(ctx context.Context, file, host string, names []string) (map[string]int, error) {
	was := map[string]int{}
	b, err := os.ReadFile(file)
	switch {
	case err == nil:
		if err := json.Unmarshal(b, &was); err != nil {
			return nil, fmt.Errorf("read %s: %w", file, err)
		}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("read the ports of last time: %w", err)
	}
	now := map[string]int{}
	var conf net.ListenConfig
	var held []net.Listener // until all are chosen, so that none is given twice
	defer func() {
		for _, l := range held {
			l.Close()
		}
	}()
	for _, name := range names {
		var l net.Listener
		err := errUnknown
		if was[name] != 0 {
			l, err = conf.Listen(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(was[name])))
		}
		if err != nil {
			if l, err = free(ctx, &conf, host); err != nil {
				return nil, fmt.Errorf("find a port for %s: %w", name, err)
			}
		}
		held = append(held, l)
		now[name] = l.Addr().(*net.TCPAddr).Port
	}
	for name, port := range now {
		was[name] = port
	}
	if b, err = json.Marshal(was); err != nil {
		return nil, fmt.Errorf("write %s: %w", file, err)
	}
	if err := os.WriteFile(file, append(b, '\n'), 0o600); err != nil {
		return nil, fmt.Errorf("remember the ports: %w", err)
	}
	return now, nil
}

var errUnknown = errors.New("no port of last time")

// Ports are taken from below those that systems give to whoever connects, or
// asks for any: a part's port, free for a moment between two of its lives, is
// not given to somebody else.
const (
	lowestPort, highestPort = 20_000, 32_000
	portTries               = 100
)

// free listens on a port that nobody has.
func free(ctx context.Context, conf *net.ListenConfig, host string) (net.Listener, error) {
	for range portTries {
		port := lowestPort + rand.IntN(highestPort-lowestPort)
		if l, err := conf.Listen(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(port))); err == nil {
			return l, nil
		}
	}
	return conf.Listen(ctx, "tcp", net.JoinHostPort(host, "0"))
}

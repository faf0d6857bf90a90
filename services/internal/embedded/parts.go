package embedded

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/nabz/nabz/services/internal/supervise"
)

// KafkaPart describes the broker's process.
func KafkaPart(c KafkaConfig) (supervise.Part, error) {
	file := filepath.Join(filepath.Dir(c.Dir), PartKafka+".json")
	if err := WriteConfig(file, c); err != nil {
		return supervise.Part{}, err
	}
	addr := net.JoinHostPort(c.Host, strconv.Itoa(c.Port))
	return supervise.Part{
		Name: PartKafka, Args: []string{"embedded", PartKafka}, Env: ChildEnv(PartKafka, file),
		Probe: func(ctx context.Context) error {
			client := &kafkago.Client{Addr: kafkago.TCP(addr), Timeout: time.Second, Transport: &kafkago.Transport{}}
			_, err := client.Metadata(ctx, &kafkago.MetadataRequest{})
			return err
		},
	}, nil
}

// EngineParts describes the engine's process and that of its guard, which
// listens on native (host:port).
func EngineParts(c EngineConfig, native string) ([]supervise.Part, error) {
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the engine's folder: %w", err)
	}
	engineFile := filepath.Join(c.Dir, PartClickHouse+".json")
	if err := WriteConfig(engineFile, c); err != nil {
		return nil, err
	}
	guardFile := filepath.Join(c.Dir, PartGuard+".json")
	err := WriteConfig(guardFile, GuardConfig{
		Listen:     native,
		EngineAddr: net.JoinHostPort(c.Host, strconv.Itoa(c.NativePort)),
		EngineHTTP: c.HTTPURL(),
		Accounts:   c.Accounts,
	})
	if err != nil {
		return nil, err
	}
	return []supervise.Part{{
		Name: PartClickHouse, Args: []string{"embedded", PartClickHouse}, Env: ChildEnv(PartClickHouse, engineFile),
		Stdin: true,
		Probe: func(ctx context.Context) error { return c.prepare(ctx) },
	}, {
		Name: PartGuard, Args: []string{"embedded", PartGuard}, Env: ChildEnv(PartGuard, guardFile),
		After: []string{PartClickHouse},
		Probe: func(ctx context.Context) error {
			conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", native)
			if err != nil {
				return err
			}
			return conn.Close()
		},
	}}, nil
}

// prepare finds out whether the engine is up, and makes sure that the database
// that people name in their log-ins is there from the first second.
func (c EngineConfig) prepare(ctx context.Context) error {
	if err := Ping(ctx, c.HTTPURL()); err != nil {
		return err
	}
	_, err := httpQuery(ctx, c.HTTPURL(), UserServices, c.Accounts.Services, "CREATE DATABASE IF NOT EXISTS nabz", nil)
	return err
}

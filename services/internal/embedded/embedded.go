// Package embedded holds the parts that stand in for servers on a machine that
// has none: a Kafka broker, a ClickHouse engine and the guard before the
// engine's native port. Each runs in a child process of its own, which is the
// running program started again.
//
// It does not know what is stored in them, and it neither starts nor restarts
// a process: that is package supervise.
package embedded

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// The parts, as [Main] knows them.
const (
	PartKafka      = "kafka"
	PartClickHouse = "clickhouse"
	PartGuard      = "clickhouse-guard"
)

// The environment of a child: which part it is, and the file of its settings.
const (
	envPart   = "NABZ_EMBEDDED_PART"
	envConfig = "NABZ_EMBEDDED_CONFIG"
)

// ChildEnv is the environment that makes a start of this program the part,
// with the settings in the file.
func ChildEnv(part, configFile string) []string {
	return []string{envPart + "=" + part, envConfig + "=" + configFile}
}

// IsChild tells whether this process was started to be a part. A program that
// embeds parts, and the TestMain of a test that does, asks first of all.
func IsChild() bool { return os.Getenv(envPart) != "" }

// Main is the part's process: it runs until it is told to stop and returns
// the exit code.
func Main() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	part := os.Getenv(envPart)
	if err := runPart(ctx, part, os.Getenv(envConfig)); err != nil {
		fmt.Fprintf(os.Stderr, "embedded %s: %v\n", part, err)
		return 1
	}
	return 0
}

func runPart(ctx context.Context, part, file string) error {
	switch part {
	case PartKafka:
		var c KafkaConfig
		if err := readConfig(file, &c); err != nil {
			return err
		}
		return runKafka(ctx, c)
	case PartClickHouse:
		var c EngineConfig
		if err := readConfig(file, &c); err != nil {
			return err
		}
		return runEngine(c)
	case PartGuard:
		var c GuardConfig
		if err := readConfig(file, &c); err != nil {
			return err
		}
		return runGuard(ctx, c)
	}
	return fmt.Errorf("no such part")
}

func readConfig(file string, into any) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read settings: %w", err)
	}
	if err := json.Unmarshal(b, into); err != nil {
		return fmt.Errorf("read settings %s: %w", file, err)
	}
	return nil
}

// WriteConfig writes a part's settings for [ChildEnv], readable by this user
// alone: they hold secrets.
func WriteConfig(file string, settings any) error {
	b, err := json.Marshal(settings)
	if err != nil {
		return fmt.Errorf("write settings %s: %w", file, err)
	}
	return writePrivate(file, b)
}

// writePrivate replaces a file whole, with mode 0600.
func writePrivate(file string, b []byte) error {
	temp := fmt.Sprintf("%s.%d", file, os.Getpid())
	if err := os.WriteFile(temp, b, 0o600); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	if err := os.Rename(temp, file); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	return nil
}

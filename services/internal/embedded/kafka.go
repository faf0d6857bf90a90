package embedded

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// KafkaConfig are the settings of the embedded broker. It is an append-only
// log for one machine: not replicated, and bounded by LogCap of the topics.
type KafkaConfig struct {
	Dir  string // where the log is kept, made if need be
	Host string // to listen on
	Port int    // fixed, so that clients find the broker after a restart
	Sync bool   // fsync every batch: survives a power cut, at half the speed
}

// retentionEvery is how often old records are dropped. The broker does not do
// it by itself after a restart.
const retentionEvery = 30 * time.Second

// LogCap is how many bytes a partition of an embedded topic may keep. Four
// topics of eight partitions stay below 4 GiB of disk, and a restart, which
// decodes the whole log, within seconds.
const LogCap = 128 << 20

func runKafka(ctx context.Context, c KafkaConfig) error {
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return fmt.Errorf("make the log's folder: %w", err)
	}
	opts := []kfake.Opt{
		kfake.NumBrokers(1),
		kfake.Ports(c.Port),
		kfake.ClusterID("nabz-embedded"),
		kfake.DataDir(c.Dir),
		kfake.ListenFn(func(network, _ string) (net.Listener, error) {
			return (&net.ListenConfig{}).Listen(ctx, network, net.JoinHostPort(c.Host, strconv.Itoa(c.Port)))
		}),
		kfake.WithLogger(kfake.BasicLogger(os.Stderr, kfake.LogLevelWarn)),
	}
	if c.Sync {
		opts = append(opts, kfake.SyncWrites())
	}
	cluster, err := kfake.NewCluster(opts...)
	if err != nil {
		return fmt.Errorf("start the broker on %s port %d: %w", c.Host, c.Port, err)
	}
	defer cluster.Close()
	groups := &members{seen: map[string]heard{}}
	groups.watch(cluster)
	cl, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...))
	if err != nil {
		return fmt.Errorf("connect to the broker on %s port %d: %w", c.Host, c.Port, err)
	}
	defer cl.Close()
	retention, sweep := time.NewTicker(retentionEvery), time.NewTicker(sweepEvery)
	defer retention.Stop()
	defer sweep.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-retention.C:
			cluster.ApplyRetention()
		case now := <-sweep.C:
			if err := groups.sweep(ctx, cl, now); err != nil {
				fmt.Fprintf(os.Stderr, "embedded kafka: %v\n", err)
			}
		}
	}
}

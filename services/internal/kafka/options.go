// Package kafka is the shell around the Kafka drivers: the settings of every
// client, the catalogue of topics, the plan that brings a cluster to it, and a
// plain reader of all partitions of a topic.
//
// It does not know what a record means.
package kafka

import (
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/plugin/kzap"
	"go.uber.org/zap"
)

// Limits of every client. Each bounds memory or waiting.
const (
	// maxDecompressed bounds one fetched batch: producers of ours write at
	// most maxBatch bytes, so 64 times that is a bomb and not data.
	maxDecompressed = 64 << 20
	// maxBatch is what a topic's max.message.bytes lets through.
	maxBatch = 1_000_000
	// maxBufferedRecords bounds what waits for a slow broker: at 1 KB a record
	// 64 MiB, the other bound, is reached at about the same time.
	maxBufferedRecords = 65_536
	maxBufferedBytes   = 64 << 20
	// maxFetch and maxPartitionFetch bound one answer of a broker: eight
	// partitions of 4 MiB fill a fetch of 32 MiB.
	maxFetch          = 32 << 20
	maxPartitionFetch = 4 << 20
	// linger lets concurrent requests share a batch; 2 ms is far below the
	// second in which an event must be queryable.
	linger = 2 * time.Millisecond
	// fetchWait is how long a broker holds an empty fetch. It delays nothing
	// that is there, and spares an idle broker from being asked in a loop.
	fetchWait = 500 * time.Millisecond
	// dialTimeout finds a host that does not answer sooner than the default
	// of 10 s, so another broker of the list gets its turn.
	dialTimeout = 3 * time.Second
	// retryFor bounds the retries of one request, not of a record: a record
	// waits for as long as its context.
	retryFor = 30 * time.Second
	// SessionTimeout is how long a group waits for a silent member. A
	// partition's successor has to work within 10 s; brokers refuse less
	// than 6 s unless told otherwise.
	SessionTimeout = 6 * time.Second
	heartbeat      = 2 * time.Second
	// rebalanceTimeout is how long a group waits for members that it believes
	// to be joining: one that died meanwhile is not missed sooner. It is
	// above what a processor drains for, and with the default of a minute a
	// kill at the wrong moment stopped a group for as long.
	rebalanceTimeout = 8 * time.Second
	// metadataAge finds new partitions and moved leaders of a quiet topic.
	metadataAge    = time.Minute
	metadataMinAge = 250 * time.Millisecond
)

// Config says which cluster a client talks to, and as whom.
type Config struct {
	Brokers  []string // host:port, at least one
	ClientID string   // shown in the broker's logs and quotas, such as collector
	Log      *zap.Logger
}

// Options are the settings of every franz-go client.
func Options(c Config) []kgo.Opt {
	log := c.Log
	if log == nil {
		log = zap.NewNop()
	}
	return []kgo.Opt{
		kgo.SeedBrokers(c.Brokers...),
		kgo.ClientID("nabz-" + c.ClientID),
		kgo.WithLogger(kzap.New(log.Named("kafka"), kzap.Level(kgo.LogLevelWarn))),
		kgo.DialTimeout(dialTimeout),
		kgo.RetryTimeout(retryFor),
		kgo.MetadataMaxAge(metadataAge),
		kgo.MetadataMinAge(metadataMinAge),
		kgo.MaxDecompressBatchBytes(maxDecompressed),
	}
}

// ProducerOptions are the settings of a client that writes, [Options]
// included: idempotent, acknowledged by all replicas in sync, compressed, and
// every record in the partition that it names. A caller that must not wait for
// ever adds kgo.RecordDeliveryTimeout.
func ProducerOptions(c Config) []kgo.Opt {
	return append(Options(c),
		kgo.RequiredAcks(kgo.AllISRAcks()),
		// Rows become as small by it as by lz4, for half the time in Go.
		kgo.ProducerBatchCompression(kgo.SnappyCompression(), kgo.NoCompression()),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchMaxBytes(maxBatch),
		kgo.MaxBufferedRecords(maxBufferedRecords),
		kgo.MaxBufferedBytes(maxBufferedBytes),
		kgo.ProducerLinger(linger),
	)
}

// ConsumerOptions are the settings of a client that reads, [Options] included.
// Which topics it reads, and from where, the caller adds.
func ConsumerOptions(c Config) []kgo.Opt {
	return append(Options(c),
		kgo.FetchMaxBytes(maxFetch),
		kgo.FetchMaxPartitionBytes(maxPartitionFetch),
		kgo.FetchMaxWait(fetchWait),
	)
}

// GroupOptions are the settings of a member of a group, [ConsumerOptions]
// included: a partition with no committed offset is read from its start,
// partitions move one by one, and nothing is committed unless the caller does.
func GroupOptions(c Config, group string, topics ...string) []kgo.Opt {
	return append(ConsumerOptions(c),
		kgo.ConsumerGroup(group),
		kgo.ConsumeTopics(topics...),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.Balancers(kgo.CooperativeStickyBalancer()),
		kgo.SessionTimeout(SessionTimeout),
		kgo.HeartbeatInterval(heartbeat),
		kgo.RebalanceTimeout(rebalanceTimeout),
		kgo.DisableAutoCommit(),
	)
}

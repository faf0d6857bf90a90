// Package loader carries records from Kafka into the tables of ClickHouse, in
// large blocks, and commits an offset only when the rows before it are durable
// there.
//
// It does not know what a row means: package warehouse says which column it
// goes to.
package loader

import (
	"errors"
	"time"

	"github.com/nabz/nabz/services/internal/clickhouse"
)

// Config is everything a loader needs to be told.
type Config struct {
	Kafka      []string // host:port of brokers
	ClickHouse string   // clickhouse://USER:PASS@HOST:PORT/DB
	Listen     string   // of /healthz, /readyz and /metrics; port 0: any
	Group      string   // consumer group; empty: nabz.loader
	// Definitions is a folder of definitions beside those of the binary; empty:
	// none.
	Definitions string
	// Every is the longest that a pane's row waits for company, and a fourth of
	// the longest that any other does; 0: 150 ms.
	Every time.Duration
	// LazySync says that inserts do not wait for the disk: it is synced before
	// offsets are committed.
	LazySync bool
}

// Limits of a loader.
const (
	// defaultEvery keeps event to queryable below a second: a block is at most
	// twice this apart from the next. Whatever an insert holds, it costs the
	// engine a part, and every part must be merged.
	defaultEvery = 150 * time.Millisecond
	// maxRows and maxBytes end a batch sooner. A table that gets 100,000 rows
	// at once makes parts that need few merges, and the batches of both lanes,
	// one of each being filled and one being written, stay below 256 MiB.
	maxRows  = 100_000
	maxBytes = 32 << 20
	// fullEvery is how many records go by between two looks at those bounds;
	// at 256 KiB, the greatest event, they are passed by 16 MiB at most.
	fullEvery = 64
	// pollRecords is how many records one poll takes: some milliseconds of
	// decoding, so that a batch ends on time.
	pollRecords = 20_000
	// gather is how long the next records are waited for while they come in
	// less than gathered: a broker that is asked for every few records spends
	// most of its time on being asked, and so does who asks.
	gather   = 25 * time.Millisecond
	gathered = 5_000
	// writers is how many tables are written at once: the server sorts and
	// compresses each on a thread of its own.
	writers = 4
	// commitEvery is how often offsets are committed: who takes over loads so
	// much twice, at most.
	commitEvery = 5 * time.Second
	// insertTimeout bounds one insert; a server that takes longer is asked
	// again, and equal rows collapse.
	insertTimeout = time.Minute
	// firstBackoff and maxBackoff space the attempts while ClickHouse is away.
	firstBackoff = 100 * time.Millisecond
	maxBackoff   = 5 * time.Second
	// commitTimeout bounds the commit of offsets. What is not committed is
	// loaded twice and collapses.
	commitTimeout = 10 * time.Second
	// drainFor is how long a loader that is asked to stop may write its last
	// batch.
	drainFor = 10 * time.Second
	// auditKeys is how many keys the check of equal versions remembers, twice
	// over: at 60 bytes a key, 16 MB.
	auditKeys = 131_072
	// letterTimeout bounds the writing of a dead letter.
	letterTimeout = 10 * time.Second
	// complainEvery spaces log lines about the same trouble.
	complainEvery = 10 * time.Second
)

// Instants that ClickHouse's types can hold, in ms since 1970 UTC. A source
// that claims others is wrong about its clock, not about the century.
const (
	minInstant = -2_208_988_800_000 // 1900-01-01, DateTime64
	maxInstant = 9_214_646_400_000  // 2262-01-01, DateTime64
	maxSecond  = 4_294_967_295_000  // 2106-02-07, DateTime; it begins in 1970
)

func (c Config) resolve() (Config, error) {
	var errs []error
	if len(c.Kafka) == 0 {
		errs = append(errs, errors.New("kafka: no broker"))
	}
	if c.ClickHouse == "" {
		errs = append(errs, errors.New("clickhouse: no URL"))
	} else if conn, err := clickhouse.Open(c.ClickHouse); err != nil {
		errs = append(errs, err)
	} else {
		errs = append(errs, conn.Close())
	}
	if c.Group == "" {
		c.Group = "nabz.loader"
	}
	if c.Every <= 0 {
		c.Every = defaultEvery
	}
	return c, errors.Join(errs...)
}

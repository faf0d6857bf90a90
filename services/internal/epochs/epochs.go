// Package epochs is about the computations of an installation: which there are
// and how far each has come, the definitions that each was made under, and the
// values of a KPI in two of them.
//
// It does not know how an epoch is computed: a record in every partition of the
// log asks for one, and whoever owns the partition begins it.
package epochs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/warehouse"
	"github.com/nabz/nabz/services/internal/kafka"
)

// Epoch is one computation of one feed.
type Epoch struct {
	Tenant      string    `json:"tenant"`
	Feed        string    `json:"feed"`
	Generation  int64     `json:"generation"`
	Epoch       int64     `json:"epoch"`
	AsOf        time.Time `json:"as_of"`
	Closed      bool      `json:"closed"`
	Definitions string    `json:"definitions"`
	Reached     int64     `json:"reached"` // of Needed, how many records are in its rows
	Needed      int64     `json:"needed"`  // records that older epochs have
	Whole       bool      `json:"whole"`
	Shown       bool      `json:"shown"`
}

// State says in a word what becomes of the epoch.
func (e *Epoch) State() string {
	switch {
	case e.Shown:
		return "shown"
	case e.Whole:
		return "kept"
	}
	return "incomplete"
}

// List gives the epochs of a feed, or of all where feed is nil, the newest first.
func List(ctx context.Context, conn driver.Conn, feed *string) ([]Epoch, error) {
	query := fmt.Sprintf(`SELECT e.tenant, e.feed, e.generation, e.epoch, e.as_of, e.closed, e.definitions, toInt64(e.reached), toInt64(e.needed), e.whole,
  (e.tenant, e.feed, e.generation, e.epoch) IN (SELECT tenant, feed, generation, epoch FROM %[1]s.shown) AS shown
FROM %[1]s.epochs AS e WHERE ? = '*' OR e.feed = ? ORDER BY e.tenant, e.feed, e.generation DESC, e.epoch DESC`, warehouse.Internal)
	all, name := "*", ""
	if feed != nil {
		all, name = "", *feed
	}
	rows, err := conn.Query(ctx, query, all, name)
	if err != nil {
		return nil, fmt.Errorf("list epochs: %w", err)
	}
	defer rows.Close()
	var out []Epoch
	for rows.Next() {
		var e Epoch
		var closed, whole, shown uint8
		if err := rows.Scan(&e.Tenant, &e.Feed, &e.Generation, &e.Epoch, &e.AsOf, &closed, &e.Definitions, &e.Reached, &e.Needed, &whole, &shown); err != nil {
			return nil, fmt.Errorf("list epochs: %w", err)
		}
		e.Closed, e.Whole, e.Shown = closed != 0, whole != 0, shown != 0
		out = append(out, e)
	}
	return out, rows.Err()
}

// Ask writes into every partition of the log that epoch is to begin, and tells
// how many there are. What is asked for twice begins once.
func Ask(ctx context.Context, brokers []string, epoch int64, source string, now time.Time) (partitions int, err error) {
	client, err := kgo.NewClient(kafka.ProducerOptions(kafka.Config{Brokers: brokers, ClientID: "nabz-recompute"})...)
	if err != nil {
		return 0, fmt.Errorf("open Kafka client: %w", err)
	}
	defer client.Close()
	topics, err := kadm.NewClient(client).ListTopics(ctx, kafka.TopicEvents)
	if err == nil {
		err = topics.Error()
	}
	if err != nil {
		return 0, fmt.Errorf("ask for the partitions of %s: %w", kafka.TopicEvents, err)
	}
	e := event.Event{Type: event.TypeEpoch, Time: now.UnixMilli(), ReceivedAt: now.UnixMilli(), Sequence: epoch, Source: source}
	var records []*kgo.Record
	for p := range topics[kafka.TopicEvents].Partitions {
		records = append(records, &kgo.Record{Topic: kafka.TopicEvents, Partition: p, Value: e.Append(nil), Timestamp: now})
	}
	if err := client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return 0, fmt.Errorf("ask for epoch %d: %w", epoch, err)
	}
	return len(records), nil
}

// Keep notes the texts of the definitions that are in force, by name, so that
// they can be read when others are. What is noted already is passed over.
func Keep(ctx context.Context, conn driver.Conn, definitions string, texts map[string]string, now time.Time) error {
	known, err := Texts(ctx, conn, definitions)
	if err != nil {
		return err
	}
	batch, err := conn.PrepareBatch(ctx, "INSERT INTO "+warehouse.Internal+".definitions (definitions, kpi, text, at)")
	if err != nil {
		return fmt.Errorf("keep the definitions: %w", err)
	}
	defer batch.Close()
	n := 0
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		if was, there := known[name]; there && was == texts[name] {
			continue
		}
		if err := batch.Append(definitions, name, texts[name], now); err != nil {
			return fmt.Errorf("keep the definition of %s: %w", name, err)
		}
		n++
	}
	if n == 0 {
		return batch.Abort()
	}
	if err := batch.Send(); err != nil {
		return fmt.Errorf("keep the definitions: %w", err)
	}
	return nil
}

// Texts are the kept texts of definitions, by name of the KPI.
func Texts(ctx context.Context, conn driver.Conn, definitions string) (map[string]string, error) {
	rows, err := conn.Query(ctx, "SELECT kpi, text FROM "+warehouse.Internal+".definitions FINAL WHERE definitions = ?", definitions)
	if err != nil {
		return nil, fmt.Errorf("read the kept definitions: %w", err)
	}
	defer rows.Close()
	out := map[string]string{}
	for rows.Next() {
		var name, text string
		if err := rows.Scan(&name, &text); err != nil {
			return nil, fmt.Errorf("read the kept definitions: %w", err)
		}
		out[name] = text
	}
	return out, rows.Err()
}

// Newest is the greatest number of an epoch of which anything is known; 0: of
// none.
func Newest(ctx context.Context, conn driver.Conn) (int64, error) {
	var n int64
	err := conn.QueryRow(ctx, "SELECT max(epoch) FROM "+warehouse.Internal+".progress").Scan(&n)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("ask for the newest epoch: %w", err)
	}
	return n, nil
}

package loader

import (
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/nabz/nabz/pkg/row"
	"github.com/nabz/nabz/pkg/warehouse"
	"github.com/nabz/nabz/services/internal/clickhouse"
)

// tallyBlock is the table of what collectors counted.
type tallyBlock struct {
	block                                                                                 *clickhouse.Block
	tenant, minute, collector, events, records, letters, refused, unacknowledged, version int
}

func (t *tallyBlock) open(all tables) (err error) {
	t.block, err = all.columns(warehouse.Tallies, map[string]*int{
		"tenant": &t.tenant, "minute": &t.minute, "collector": &t.collector, "events": &t.events, "records": &t.records,
		"dead_letters": &t.letters, "refused": &t.refused, "unacknowledged": &t.unacknowledged, "version": &t.version,
	})
	return err
}

func (t *tallyBlock) add(v *row.Tally) (reason string) {
	if v.Minute < 0 || v.Minute > maxSecond {
		return reasonOutOfRange
	}
	b := t.block
	b.Text(t.tenant, v.Tenant)
	b.Int(t.minute, v.Minute/1000)
	b.Text(t.collector, v.Collector)
	b.Int(t.events, v.Events)
	b.Int(t.records, v.Records)
	b.Int(t.letters, v.DeadLetters)
	b.Int(t.refused, v.Refused)
	b.Int(t.unacknowledged, v.Unacknowledged)
	b.Int(t.version, v.Version)
	b.EndRow()
	return ""
}

// letterBlock is the table of dead letters, without what was in them.
type letterBlock struct {
	block                                                                    *clickhouse.Block
	tenant, received, stage, reason, problem, key, origin, partition, offset int
}

func (l *letterBlock) open(all tables) (err error) {
	l.block, err = all.columns(warehouse.DeadLetters, map[string]*int{
		"tenant": &l.tenant, "received_at": &l.received, "stage": &l.stage, "reason": &l.reason, "error": &l.problem, "api_key": &l.key,
		"origin": &l.origin, "partition": &l.partition, "offset": &l.offset,
	})
	return err
}

// add takes any record: a dead letter that became another one would never end.
func (l *letterBlock) add(r *kgo.Record) {
	b := l.block
	for name, at := range map[string]int{
		"dlq_tenant": l.tenant, "dlq_stage": l.stage, "dlq_reason": l.reason, "dlq_error": l.problem, "dlq_api_key": l.key, "dlq_orig_topic": l.origin,
	} {
		for _, h := range r.Headers {
			if h.Key == name {
				b.Text(at, string(h.Value))
				break // whoever wrote a header twice
			}
		}
	}
	if at := r.Timestamp.UnixMilli(); instant(at) {
		b.Int(l.received, at)
	}
	b.Int(l.partition, int64(r.Partition))
	b.Int(l.offset, r.Offset)
	b.EndRow()
}

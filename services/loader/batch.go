package loader

import (
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/nabz/nabz/pkg/row"
	"github.com/nabz/nabz/services/internal/catalog"
	"github.com/nabz/nabz/services/internal/clickhouse"
	"github.com/nabz/nabz/services/internal/kafka"
)

// batch is what is written at once: the blocks of all tables, and what is owed
// behind them.
type batch struct {
	debt
	layout     *layout
	events     eventBlock
	facts      map[string]*factBlock // by family
	panes      map[string]*paneBlock
	rejects    rejectBlock
	shown      shownBlock
	verdicts   verdictBlock
	incidents  incidentBlock
	deliveries deliveryBlock
	tallies    tallyBlock
	dropped    letterBlock
	newest     map[string]time.Time // timestamp of the newest record of each topic
	letters    []letter
	records    int
}

// layout is what all batches share: which families and attributes there are.
type layout struct {
	tables   tables
	fields   map[int32]string // attributes of events, by number
	families []familyLayout
}

func newBatch(l *layout) (*batch, error) {
	b := &batch{layout: l, facts: map[string]*factBlock{}, panes: map[string]*paneBlock{}}
	var err error
	note := func(e error) {
		if err == nil {
			err = e
		}
	}
	note(b.events.open(l.tables))
	note(b.rejects.open(l.tables))
	note(b.shown.open(l.tables))
	note(b.verdicts.open(l.tables))
	note(b.incidents.open(l.tables))
	note(b.deliveries.open(l.tables))
	note(b.tallies.open(l.tables))
	note(b.dropped.open(l.tables))
	for i := range l.families {
		f, p := &factBlock{}, &paneBlock{}
		note(f.open(l.tables, &l.families[i]))
		note(p.open(l.tables, &l.families[i]))
		b.facts[l.families[i].family.Name], b.panes[l.families[i].family.Name] = f, p
	}
	b.reset()
	return b, err
}

func (b *batch) reset() {
	for _, block := range b.blocks() {
		block.Reset()
	}
	b.debt = newDebt()
	b.newest = map[string]time.Time{}
	b.letters = b.letters[:0]
	b.records = 0
}

// blocks are the tables of data.
func (b *batch) blocks() []*clickhouse.Block {
	all := []*clickhouse.Block{b.events.block, b.rejects.block, b.shown.block, b.verdicts.block, b.incidents.block, b.deliveries.block}
	all = append(all, b.tallies.block, b.dropped.block)
	for _, f := range b.layout.families {
		all = append(all, b.facts[f.family.Name].block, b.panes[f.family.Name].block)
	}
	return all
}

// full adds up the blocks once in fullEvery records: it costs as much as
// taking one in.
func (b *batch) full() bool {
	if b.records%fullEvery != 0 {
		return false
	}
	rows, bytes := 0, 0
	for _, block := range b.blocks() {
		rows, bytes = rows+block.Rows(), bytes+block.Bytes()
	}
	return rows >= maxRows || bytes >= maxBytes
}

// add takes one record in. A record that cannot become a row becomes a dead
// letter, and the offset goes on: it would be the same at every try.
func (b *batch) add(r *kgo.Record, check *audit) {
	b.records++
	b.read(r.Topic, r.Partition, kgo.EpochOffset{Epoch: r.LeaderEpoch, Offset: r.Offset + 1})
	if r.Timestamp.After(b.newest[r.Topic]) {
		b.newest[r.Topic] = r.Timestamp
	}
	var reason string
	switch {
	case r.Topic == kafka.TopicEvents:
		reason = b.addEvent(r)
	case r.Topic == kafka.TopicDeadLetters:
		b.dropped.add(r)
	case r.Topic == kafka.TopicIncidents:
		reason = b.addIncident(r)
	case r.Topic == kafka.TopicValues && !row.IsKept(r.Value):
		// It passes by, and so does how far a board is.
	default:
		reason = b.addRow(r, check)
	}
	if reason != "" {
		b.letters = append(b.letters, letter{record: r, reason: reason})
	}
}

// The reasons for which a record cannot become a row.
const (
	reasonMalformed     = "malformed"
	reasonUnknownFamily = "unknown_family"
	reasonUnknownColumn = "unknown_column"
	reasonOutOfRange    = "time_out_of_range"
)

// reasons are all of them, for the metrics.
var reasons = []string{reasonMalformed, reasonUnknownFamily, reasonUnknownColumn, reasonOutOfRange}

func (b *batch) addEvent(r *kgo.Record) (reason string) {
	e := &b.events.event
	// The strings of the event share the record's memory, which nobody
	// changes.
	if err := e.Decode(stringOf(r.Value)); err != nil || e.Type == "" {
		return reasonMalformed
	}
	if !instant(e.Time) || !instant(e.ReceivedAt) || !instant(e.ReplacesTime) {
		return reasonOutOfRange
	}
	if e.IsClock() {
		b.note(clockProgress(r, e))
		return ""
	}
	b.events.add(r, b.layout.fields)
	return ""
}

func (b *batch) addRow(r *kgo.Record, check *audit) (reason string) {
	decoded, err := row.Decode(r.Value)
	if err != nil {
		return reasonMalformed
	}
	switch v := decoded.(type) {
	case *row.Fact:
		f := b.facts[v.Family]
		if f == nil {
			return reasonUnknownFamily
		}
		if reason := f.add(v); reason != "" {
			return reason
		}
		check.fact(v, r.Value)
	case *row.Pane:
		p := b.panes[v.Family]
		if p == nil {
			return reasonUnknownFamily
		}
		if reason := p.add(v); reason != "" {
			return reason
		}
		check.pane(v, r.Value)
	case *row.Reject:
		if !instant(v.Time) || !instant(v.ReceivedAt) {
			return reasonOutOfRange
		}
		b.rejects.add(v)
	case *row.Reading:
		return b.shown.add(v)
	case *row.Verdict:
		return b.verdicts.add(v)
	case *row.Tally:
		return b.tallies.add(v)
	case *row.Progress:
		if !instant(v.Now) {
			return reasonOutOfRange
		}
		b.note(progressKey{r.Topic, r.Partition, v.Tenant, v.Feed, v.Generation, v.Epoch, v.Partition}, progress{*v})
	}
	return ""
}

func instant(ms int64) bool { return minInstant <= ms && ms <= maxInstant }

// openLayout finds the tables and columns that rows go to.
func openLayout(c *catalog.Catalog) (*layout, error) {
	l := &layout{tables: tables{}, fields: map[int32]string{}}
	model := c.Warehouse("UTC", 1) // views differ by zone, tables do not
	all := model.Tables()
	for i := range all {
		l.tables[all[i].Name] = &all[i]
	}
	for _, f := range c.Events.Fields() {
		l.fields[f.Number] = f.Name
	}
	for _, f := range c.Families() {
		fl := familyLayout{family: f}
		for _, m := range c.KPIs.Measures(f.Name) {
			fl.parts = append(fl.parts, m.Parts()...)
		}
		l.families = append(l.families, fl)
	}
	return l, nil
}

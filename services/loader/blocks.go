package loader

import (
	"fmt"
	"unsafe"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/kpi"
	"github.com/nabz/nabz/pkg/row"
	"github.com/nabz/nabz/pkg/warehouse"
	"github.com/nabz/nabz/services/internal/clickhouse"
)

type tables map[string]*warehouse.Table

// columns opens a table's block and finds columns in it by name; a name that
// the table does not have is an error of the program.
func (t tables) columns(name string, into map[string]*int) (*clickhouse.Block, error) {
	table := t[name]
	if table == nil {
		return nil, fmt.Errorf("open block: no table %s", name)
	}
	b, err := clickhouse.NewBlock(table)
	if err != nil {
		return nil, err
	}
	for column, at := range into {
		if *at = b.Index(column); *at < 0 {
			return nil, fmt.Errorf("open block: table %s has no column %s", name, column)
		}
	}
	return b, nil
}

func stringOf(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// placeColumns are the columns of row.Place.
type placeColumns struct{ tenant, feed, generation, epoch, partition int }

func (p *placeColumns) names(into map[string]*int) map[string]*int {
	into["tenant"], into["feed"], into["generation"] = &p.tenant, &p.feed, &p.generation
	into["epoch"], into["partition"] = &p.epoch, &p.partition
	return into
}

func (p *placeColumns) set(b *clickhouse.Block, v *row.Place) {
	b.Text(p.tenant, v.Tenant)
	b.Text(p.feed, v.Feed)
	b.Int(p.generation, v.Generation)
	b.Int(p.epoch, v.Epoch)
	b.Int(p.partition, int64(v.Partition))
}

// eventBlock is the table of events.
type eventBlock struct {
	block                                                                 *clickhouse.Block
	event                                                                 event.Event // decoded into again and again
	tenant, feed, generation, session, kind, entity, typ, source, id, uid int
	time, received, sequence, revision, hash                              int
	replaces, replacesTime, withdrawn, texts, ints, partition, offset     int
}

func (e *eventBlock) open(t tables) (err error) {
	e.block, err = t.columns("events", map[string]*int{
		"tenant": &e.tenant, "feed": &e.feed, "generation": &e.generation, "session": &e.session, "kind": &e.kind,
		"entity": &e.entity, "type": &e.typ, "source": &e.source, "id": &e.id, "uid": &e.uid, "time": &e.time,
		"received_at": &e.received, "sequence": &e.sequence, "revision": &e.revision, "hash": &e.hash, "replaces": &e.replaces,
		"replaces_time": &e.replacesTime, "withdrawn": &e.withdrawn, "texts": &e.texts, "ints": &e.ints,
		"partition": &e.partition, "offset": &e.offset,
	})
	return err
}

func (e *eventBlock) add(r *kgo.Record, fields map[int32]string) {
	b, v := e.block, &e.event
	b.Text(e.tenant, v.Tenant)
	b.Text(e.feed, v.Feed)
	b.Int(e.generation, v.Generation)
	b.Int(e.session, v.Session)
	b.Text(e.kind, v.Kind)
	b.Text(e.entity, v.Entity)
	b.Text(e.typ, v.Type)
	b.Text(e.source, v.Source)
	b.Text(e.id, v.ID)
	b.ID(e.uid, v.UID)
	b.Int(e.time, v.Time)
	b.Int(e.received, v.ReceivedAt)
	b.Int(e.sequence, v.Sequence)
	b.Int(e.revision, v.Revision)
	b.Int(e.hash, int64(v.Hash))
	b.ID(e.replaces, v.Replaces)
	b.Int(e.replacesTime, v.ReplacesTime)
	b.Int(e.withdrawn, flag(v.Withdrawn))
	e.attributes(fields)
	b.Int(e.partition, int64(r.Partition))
	b.Int(e.offset, r.Offset)
	b.EndRow()
}

// attributes splits the payload into texts and numbers. A number that this
// catalogue does not know is kept under itself: a newer collector wrote it.
func (e *eventBlock) attributes(fields map[int32]string) {
	texts := 0
	for i := range e.event.Attrs {
		if e.event.Attrs[i].IsText {
			texts++
		}
	}
	numbers := len(e.event.Attrs) - texts
	keys := make([]string, len(e.event.Attrs))
	textKeys, intKeys := keys[:0:texts], keys[texts:texts]
	textVals, intVals := make([]string, 0, texts), make([]int64, 0, numbers)
	for i := range e.event.Attrs {
		a := &e.event.Attrs[i]
		name, ok := fields[a.Number]
		if !ok {
			name = fmt.Sprint(a.Number)
		}
		if a.IsText {
			textKeys, textVals = append(textKeys, name), append(textVals, a.Text)
		} else {
			intKeys, intVals = append(intKeys, name), append(intVals, a.Int)
		}
	}
	e.block.Texts(e.texts, textKeys, textVals)
	e.block.Ints(e.ints, intKeys, intVals)
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// familyLayout is one family and the columns of its panes.
type familyLayout struct {
	family *fact.Family
	parts  []kpi.Part
}

// factBlock is the table of one family's facts.
type factBlock struct {
	block                              *clickhouse.Block
	place                              placeColumns
	item, id, opened, version, deleted int
	columns                            map[int32]factColumn // by number
}

type factColumn struct {
	at  int
	typ fact.Type
}

func (f *factBlock) open(t tables, l *familyLayout) (err error) {
	f.block, err = t.columns("fact_"+l.family.Name, f.place.names(map[string]*int{
		"item": &f.item, "id": &f.id, "opened_at": &f.opened, "version": &f.version, "deleted": &f.deleted,
	}))
	if err != nil {
		return err
	}
	f.columns = map[int32]factColumn{}
	for _, c := range l.family.Columns {
		at := f.block.Index(c.Name)
		if at < 0 {
			return fmt.Errorf("open block: table fact_%s has no column %s", l.family.Name, c.Name)
		}
		f.columns[c.Number] = factColumn{at, c.Type}
	}
	return nil
}

func (f *factBlock) add(v *row.Fact) (reason string) {
	if !instant(v.OpenedAt) {
		return reasonOutOfRange
	}
	for i := range v.Values {
		c, ok := f.columns[v.Values[i].Number]
		switch {
		case !ok, v.Values[i].IsText != (c.typ == fact.Text):
			return reasonUnknownColumn
		case c.typ == fact.Time && !instant(v.Values[i].Int):
			return reasonOutOfRange
		}
	}
	b := f.block
	f.place.set(b, &v.Place)
	b.Text(f.item, v.Item)
	b.ID(f.id, v.ID)
	b.Int(f.opened, v.OpenedAt)
	b.Int(f.version, v.Version)
	b.Int(f.deleted, flag(v.Deleted))
	for i := range v.Values {
		c := f.columns[v.Values[i].Number]
		if c.typ == fact.Text {
			b.Text(c.at, v.Values[i].Text)
		} else {
			b.Int(c.at, v.Values[i].Int)
		}
	}
	b.EndRow()
	return ""
}

// paneBlock is the table of one family's panes.
type paneBlock struct {
	block                                       *clickhouse.Block
	place                                       placeColumns
	grain, bucket, incarnation, version, change int
	dims                                        []int
	parts                                       map[uint32]int // columns by identity, or passedOver
	hists                                       map[uint32]*histColumn
}

// passedOver is the column of a part that ClickHouse does not keep.
const passedOver = -1

// histColumn is the column of a distribution, by the first of its identities,
// with the buckets of the row in hand.
type histColumn struct {
	at      int
	buckets []uint16
	counts  []int64
}

func (p *paneBlock) open(t tables, l *familyLayout) (err error) {
	p.block, err = t.columns("pane_"+l.family.Name, p.place.names(map[string]*int{
		"grain": &p.grain, "bucket": &p.bucket, "incarnation": &p.incarnation, "version": &p.version, "changed_at": &p.change,
	}))
	if err != nil {
		return err
	}
	find := func(column string) int {
		at := p.block.Index(column)
		if at < 0 && err == nil {
			err = fmt.Errorf("open block: table pane_%s has no column %s", l.family.Name, column)
		}
		return at
	}
	for _, d := range l.family.Dims {
		p.dims = append(p.dims, find(d))
	}
	p.parts, p.hists = map[uint32]int{}, map[uint32]*histColumn{}
	for _, part := range l.parts {
		switch {
		case part.Column == "":
			p.parts[part.ID] = passedOver
		case part.Width > 1:
			p.hists[part.ID] = &histColumn{at: find(part.Column)}
		default:
			p.parts[part.ID] = find(part.Column)
		}
	}
	return err
}

func (p *paneBlock) add(v *row.Pane) (reason string) {
	if v.Bucket < 0 || v.Bucket > maxSecond || !instant(v.ChangedAt) {
		return reasonOutOfRange
	}
	if len(v.Dims) != len(p.dims) {
		return reasonUnknownColumn
	}
	for _, c := range v.Cells {
		if _, ok := p.parts[c.Part]; !ok && p.hists[c.Part&^(kpi.Buckets-1)] == nil {
			return reasonUnknownColumn
		}
	}
	b := p.block
	p.place.set(b, &v.Place)
	b.Int(p.grain, int64(v.Grain))
	b.Int(p.bucket, v.Bucket/1000)
	for i, at := range p.dims {
		b.Text(at, v.Dims[i])
	}
	b.Int(p.incarnation, v.Incarnation)
	b.Int(p.version, v.Version)
	b.Int(p.change, v.ChangedAt)
	for _, c := range v.Cells {
		p.cell(c)
	}
	for _, h := range p.hists {
		if len(h.buckets) > 0 {
			b.Buckets(h.at, h.buckets, h.counts)
			h.buckets, h.counts = nil, nil
		}
	}
	b.EndRow()
	return ""
}

func (p *paneBlock) cell(c row.Cell) {
	if at, ok := p.parts[c.Part]; !ok {
		h := p.hists[c.Part&^(kpi.Buckets-1)]
		h.buckets = append(h.buckets, uint16(c.Part&(kpi.Buckets-1)))
		h.counts = append(h.counts, c.Value)
	} else if at != passedOver {
		p.block.Int(at, c.Value)
	}
}

// rejectBlock is the table of rejects.
type rejectBlock struct {
	block                                                                          *clickhouse.Block
	place                                                                          placeColumns
	offset, reason, kind, entity, typ, uid, hash, time, received, session, version int
}

func (x *rejectBlock) open(t tables) (err error) {
	x.block, err = t.columns("rejects", x.place.names(map[string]*int{
		"offset": &x.offset, "reason": &x.reason, "kind": &x.kind, "entity": &x.entity, "type": &x.typ, "uid": &x.uid,
		"hash": &x.hash, "time": &x.time, "received_at": &x.received, "session": &x.session, "version": &x.version,
	}))
	return err
}

func (x *rejectBlock) add(v *row.Reject) {
	b := x.block
	x.place.set(b, &v.Place)
	b.Int(x.offset, v.Offset)
	b.Text(x.reason, v.Reason)
	b.Text(x.kind, v.Kind)
	b.Text(x.entity, v.Entity)
	b.Text(x.typ, v.Type)
	b.ID(x.uid, v.UID)
	b.Int(x.hash, int64(v.Hash))
	b.Int(x.time, v.Time)
	b.Int(x.received, v.ReceivedAt)
	b.Int(x.session, v.Session)
	b.Int(x.version, v.Version)
	b.EndRow()
}

// progressBlock is the table of progress.
type progressBlock struct {
	block                                                *clickhouse.Block
	place                                                placeColumns
	topic, topicPartition, position, now, state, session int
	definitions                                          int
}

// progressKey is what of each only the newest progress matters.
type progressKey struct {
	topic          string
	topicPartition int32
	tenant, feed   string
	generation     int64
	epoch          int64
	partition      int32
}

type progress struct{ row.Progress }

func (p *progressBlock) open(t tables) (err error) {
	p.block, err = t.columns("progress", p.place.names(map[string]*int{
		"topic": &p.topic, "topic_partition": &p.topicPartition, "position": &p.position,
		"now": &p.now, "state": &p.state, "session": &p.session, "definitions": &p.definitions,
	}))
	return err
}

func (p *progressBlock) add(k progressKey, v *row.Progress) {
	b := p.block
	p.place.set(b, &v.Place)
	b.Text(p.topic, k.topic)
	b.Int(p.topicPartition, int64(k.topicPartition))
	b.Int(p.position, v.Position)
	b.Int(p.now, v.Now)
	b.Text(p.state, v.State)
	b.Int(p.session, v.Session)
	b.Text(p.definitions, v.Definitions)
	b.EndRow()
}

// clockProgress is what a clock record says of the raw events: all before it
// in its partition are loaded with it.
func clockProgress(r *kgo.Record, e *event.Event) (progressKey, progress) {
	state := row.Open
	if e.Type == event.TypeFeedClosed {
		state = row.Closed
	}
	place := row.Place{Tenant: e.Tenant, Feed: e.Feed, Generation: e.Generation, Partition: r.Partition}
	return progressKey{r.Topic, r.Partition, e.Tenant, e.Feed, e.Generation, 0, r.Partition},
		progress{row.Progress{Place: place, Position: r.Offset + 1, Now: e.Time, State: state, Session: e.Session}}
}

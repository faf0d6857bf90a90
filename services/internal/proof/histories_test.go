package proof_test

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/kpi"
	"github.com/nabz/nabz/pkg/row"
	"github.com/nabz/nabz/pkg/sim"
	"github.com/nabz/nabz/pkg/track"
	"github.com/nabz/nabz/pkg/warehouse"
	"github.com/nabz/nabz/services/internal/catalog"
	"github.com/nabz/nabz/services/internal/clickhouse"
)

// tables takes rows of all tables by the names of their columns.
type tables struct {
	t        *testing.T
	cat      *catalog.Catalog
	blocks   map[string]*clickhouse.Block
	families map[string]*fact.Family
	parts    map[*fact.Family][]kpi.Part // that have columns of their own
}

func newTables(t *testing.T, cat *catalog.Catalog, model *warehouse.Model) *tables {
	all := model.Tables()
	x := &tables{t: t, cat: cat, blocks: map[string]*clickhouse.Block{}, families: map[string]*fact.Family{}, parts: map[*fact.Family][]kpi.Part{}}
	for _, f := range cat.Families() {
		x.families[f.Name] = f
	}
	for i := range all {
		b, err := clickhouse.NewBlock(&all[i])
		if err != nil {
			t.Fatal(err)
		}
		x.blocks[all[i].Name] = b
	}
	return x
}

func (x *tables) insert(conn driver.Conn) {
	x.t.Helper()
	for _, b := range x.blocks {
		if err := b.Insert(x.t.Context(), conn); err != nil {
			x.t.Fatal(err)
		}
		b.Reset()
	}
}

// put adds a row; what it does not name is zero or NULL.
func (x *tables) put(table string, values map[string]any) {
	x.t.Helper()
	b := x.blocks[table]
	for name, v := range values {
		i := b.Index(name)
		if i < 0 {
			x.t.Fatalf("%s has no column %s", table, name)
		}
		switch v := v.(type) {
		case string:
			b.Text(i, v)
		case int64:
			b.Int(i, v)
		case event.UID:
			b.ID(i, v)
		case map[uint16]int64:
			var keys []uint16
			var counts []int64
			for k, n := range v {
				keys, counts = append(keys, k), append(counts, n)
			}
			b.Buckets(i, keys, counts)
		case map[string]int64:
			var keys []string
			var ints []int64
			for k, n := range v {
				keys, ints = append(keys, k), append(ints, n)
			}
			b.Ints(i, keys, ints)
		case map[string]string:
			var keys, texts []string
			for k, s := range v {
				keys, texts = append(keys, k), append(texts, s)
			}
			b.Texts(i, keys, texts)
		default:
			x.t.Fatalf("%s.%s: no column holds a %T", table, name, v)
		}
	}
	b.EndRow()
}

func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func (x *tables) event(partition, offset int64, e *event.Event) {
	texts, ints := map[string]string{}, map[string]int64{}
	for _, a := range e.Attrs {
		f, ok := x.cat.Events.FieldByNumber(a.Number)
		if !ok {
			x.t.Fatalf("attribute %d is none of the catalogue", a.Number)
		}
		if ints[f.Name] = a.Int; a.IsText {
			delete(ints, f.Name)
			texts[f.Name] = a.Text
		}
	}
	x.put("events", map[string]any{
		"tenant": e.Tenant, "feed": e.Feed, "generation": e.Generation, "session": e.Session,
		"kind": e.Kind, "entity": e.Entity, "type": e.Type, "source": e.Source, "id": e.ID, "uid": e.UID,
		"time": e.Time, "received_at": e.ReceivedAt, "sequence": e.Sequence, "revision": e.Revision,
		"hash": int64(e.Hash), "replaces": e.Replaces, "replaces_time": e.ReplacesTime, "withdrawn": bit(e.Withdrawn),
		"texts": texts, "ints": ints, "partition": partition, "offset": offset,
	})
}

func place(p row.Place, values map[string]any) map[string]any {
	values["tenant"], values["feed"], values["generation"] = p.Tenant, p.Feed, p.Generation
	values["epoch"], values["partition"] = p.Epoch, int64(p.Partition)
	return values
}

func (x *tables) effect(value []byte) {
	x.t.Helper()
	r, err := row.Decode(value)
	if err != nil {
		x.t.Fatal(err)
	}
	switch r := r.(type) {
	case *row.Fact:
		values := place(r.Place, map[string]any{
			"item": r.Item, "id": r.ID, "opened_at": r.OpenedAt, "version": r.Version, "deleted": bit(r.Deleted),
		})
		for _, c := range x.families[r.Family].Columns {
			for _, v := range r.Values {
				if c.Number != v.Number {
					continue
				}
				if values[c.Name] = v.Int; v.IsText {
					values[c.Name] = v.Text
				}
			}
		}
		x.put("fact_"+r.Family, values)
	case *row.Reject:
		x.put("rejects", place(r.Place, map[string]any{
			"offset": r.Offset, "reason": r.Reason, "kind": r.Kind, "entity": r.Entity, "type": r.Type, "uid": r.UID,
			"hash": int64(r.Hash), "time": r.Time, "received_at": r.ReceivedAt, "session": r.Session, "version": r.Version,
		}))
	case *row.Verdict:
		x.put(warehouse.Verdicts, place(r.Place, map[string]any{
			"policy": r.Policy, "kind": r.Kind, "item": r.Item, "id": r.ID, "began_at": r.Episode, "state": r.State, "stage": r.Stage,
			"due_at": r.DueAt, "decided_at": r.DecidedAt, "target": r.Target, "version": r.Version,
		}))
	case *row.Progress:
		values := func(topic string, now int64) map[string]any {
			return place(r.Place, map[string]any{
				"topic": topic, "topic_partition": int64(r.Partition), "position": r.Position, "now": now, "state": r.State, "session": r.Session,
			})
		}
		x.put("progress", values("nabz.facts.v1", r.Now))
		x.put("progress", values("nabz.verdicts.v1", r.Now))
		x.put("progress", values("events", r.Now+1e9)) // a proof must not read this one
	}
}

// play takes one history through the machine of a partition and everything
// that it says into the tables. Facts come in every version that they had.
func (x *tables) play(partition int32, records []sim.Record) {
	x.t.Helper()
	cfg := x.cat.Task(partition)
	if partition >= apart {
		cfg.Layouts = nil // facts need none, and a year has half a million minutes
	}
	task := track.NewTask(cfg)
	for i := range records {
		r := &records[i]
		task.Step(int64(i), r.Bytes)
		// Before the next generation begins, the clock of the last is told.
		task.Flush(func(e track.Effect) {
			if e.Kind != track.ToPanes {
				x.effect(e.Value)
			}
		})
		if !r.Event.IsClock() && r.Event.Type != "" {
			x.event(int64(partition), int64(i), &r.Event)
		}
	}
}

// teller draws random histories of one kind of entity.
type teller struct {
	kind    string
	history func(cat *catalog.Catalog, seed uint64) []sim.Record
	// days draws shorter ones, where for every minute there are numbers.
	days func(cat *catalog.Catalog, seed uint64) []sim.Record
	// happened are queries that count what the histories must hold some of,
	// beside every word of every family.
	happened []string
}

// tellers has one for each kind that is folded.
func tellers(cat *catalog.Catalog) []teller {
	all := []teller{{"contact", contacts, contacts, []string{
		"SELECT count() FROM (SELECT item FROM nabz_internal.fact_contact FINAL WHERE deleted = 0 GROUP BY partition, feed, item HAVING count() > 2)",
		"SELECT count() FROM nabz_internal.fact_queue_segment FINAL WHERE nth > 2",
		"SELECT count() FROM nabz_internal.fact_contact FINAL WHERE agents > 2 AND transfers > 1 AND hold > 0 AND wrapup > 0",
		"SELECT count() FROM nabz_internal.fact_contact FINAL WHERE deleted = 0 AND queues = 0 AND agents = 0",
	}}, {"conversation", conversations, conversationsOfDays, conversed()}, {"agent", agents, agentsOfDays, shifted()}}
	for _, k := range cat.Kinds {
		if k.Record != nil {
			all = append(all, declared(k.Record))
		}
	}
	return all
}

// apart is how far the partitions of two kinds are from each other.
const apart = 100_000

// tell draws histories of every kind, each in a partition of its own: of days,
// or of as long as anything of that kind takes.
func tell(t *testing.T, cat *catalog.Catalog, histories int, days bool, play func(partition int32, records []sim.Record)) {
	t.Helper()
	told := tellers(cat)
	for _, k := range cat.Kinds {
		i := slices.IndexFunc(told, func(x teller) bool { return x.kind == k.Name })
		if *only != "" && *only != k.Name {
			continue
		}
		if i < 0 {
			t.Fatalf("nobody draws histories of kind %s", k.Name)
		}
		history := told[i].history
		if days {
			history = told[i].days
		}
		n := histories
		if k.Record != nil {
			n = min(n, max(n/3, 4*few)) // one fold makes them all
		}
		for seed := range n {
			play(int32(i*apart+seed), history(cat, uint64(seed)))
		}
	}
}

// instants at which the feeds of sim's histories begin, ms.
const (
	liveStart = int64(1_700_000_000_000)
	pastStart = liveStart - 1_000*86_400_000
)

// stretch gives a history in which all takes factor times as long: those of
// sim are short beside the times of the catalogue.
func stretch(records []sim.Record, factor int64) {
	for i := range records {
		e := &records[i].Event
		from := liveStart
		if e.Feed != event.Live {
			from = pastStart
		}
		e.Time = from + (e.Time-from)*factor
		if !e.Replaces.IsZero() {
			e.ReplacesTime = from + (e.ReplacesTime-from)*factor
		}
	}
}

// twist makes every sixth event another one: of any type that concerns a
// contact, about other agents and queues or none, with any word that the
// catalogue allows.
func twist(cat *catalog.Catalog, rnd *rand.Rand, records []sim.Record) {
	pick := func(words ...string) string { return words[rnd.IntN(len(words))] }
	for i := range records {
		e := &records[i].Event
		if e.IsClock() || e.Type == "" || rnd.IntN(6) > 0 {
			continue
		}
		if rnd.IntN(2) == 0 {
			e.Type = pick("contact.created", "contact.queued", "contact.not_offered", "contact.offered", "contact.offer_ended",
				"contact.dequeued", "contact.dequeued", "contact.dequeued", "contact.answered", "contact.hold_started", "contact.hold_ended", "contact.transferred",
				"contact.callback_scheduled", "contact.callback_attempted", "contact.ended", "contact.wrapup_started",
				"contact.wrapup_ended", "contact.snapshot", "survey.responded", "a.type_to_come")
		}
		attrs := map[int32]string{}
		for _, a := range e.Attrs {
			attrs[a.Number] = a.Text
		}
		set := func(number int32, word string) {
			if delete(attrs, number); word != "" {
				attrs[number] = word
			}
		}
		if rnd.IntN(2) == 0 {
			set(event.FieldAgentID, pick("", "a0", "a1"))
		}
		if rnd.IntN(2) == 0 {
			set(event.FieldQueueID, pick("", "q0", "q1", "q2"))
		}
		set(event.FieldChannel, pick("", "", "voice", "chat"))
		set(event.FieldDirection, pick("", "", "inbound", "outbound"))
		set(event.FieldCustomerID, pick("", "", "u1", "u2"))
		for _, name := range []string{"outcome", "by", "mode"} {
			number, words := words(cat, e.Type, name)
			set(number, pick(append(words, "")...))
			if name == "outcome" && e.Type == "contact.dequeued" && attrs[number] == "" && i%2 == 0 {
				set(number, "withdrawn") // the rarest of all ways to leave a queue
			}
		}
		e.Sequence = rnd.Int64N(3)
		e.Attrs = nil
		for number, word := range attrs {
			e.Attrs = append(e.Attrs, event.Attr{Number: number, Text: word, IsText: true})
		}
		slices.SortFunc(e.Attrs, func(a, b event.Attr) int { return cmp.Compare(a.Number, b.Number) })
	}
}

// hone moves some events and pulses to the instants at which a life ends or is
// lost, and those right behind them, and lets the clock end at one.
func hone(rnd *rand.Rand, timing track.Timing, records []sim.Record) []sim.Record {
	var before []event.Event
	for i := range records {
		e := &records[i].Event
		switch {
		case e.Type == "" || e.Feed != event.Live:
		case len(before) > 0 && rnd.IntN(15) == 0 && e.Replaces.IsZero():
			b := &before[rnd.IntN(len(before))]
			span := []int64{timing.Linger, timing.MaxAge}[rnd.IntN(2)]
			e.Time = b.Time + span + rnd.Int64N(2)
			if !e.IsClock() {
				// An id at two times is no event that a source may send.
				e.UID[0], e.Entity = ^e.UID[0], b.Entity
				e.ID = e.UID.String()
			}
		case !e.IsClock():
			before = append(before, *e)
		}
	}
	if len(before) > 0 {
		at := before[rnd.IntN(len(before))].Time + timing.MaxAge
		records = append(records, sim.Record{Event: event.Event{Type: event.TypePulse, Time: at}})
	}
	return records
}

// words are those that a type of event may say in a field.
func words(cat *catalog.Catalog, eventType, field string) (number int32, words []string) {
	f, ok := cat.Events.Field(field)
	if !ok {
		panic("the catalogue has no field " + field)
	}
	if t, ok := cat.Events.Type(eventType); ok {
		if use, ok := t.Use(field); ok {
			words = slices.Clone(use.Values)
		}
	}
	return f.Number, words
}

// contacts draws the records of a partition: of five lengths, half of them with
// events that no source would send, a third with some at the very limits.
func contacts(cat *catalog.Catalog, seed uint64) []sim.Record {
	records := sim.History(seed)
	stretch(records, []int64{1, 20, 60, 300, 1000}[seed%5])
	rnd := rand.New(rand.NewPCG(seed, 2))
	if seed%2 == 0 {
		twist(cat, rnd, records)
	}
	if seed%3 == 0 {
		records = hone(rnd, cat.Timings["contact"], records)
	}
	for i := range records {
		e := &records[i].Event
		if e.Type == "" {
			continue // what is no event stays none
		}
		if !e.IsClock() {
			e.Hash, _ = e.ContentHash(nil)
		}
		records[i].Bytes = e.Append(nil)
	}
	return records
}

package proof_test

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/kpi"
	"github.com/nabz/nabz/pkg/track/contact"
	"github.com/nabz/nabz/pkg/track/kinds"
	"github.com/nabz/nabz/pkg/warehouse"
	"github.com/nabz/nabz/services/internal/catalog"
	"github.com/nabz/nabz/services/internal/values"
)

// sentences are definitions that use every word of the language that asks for
// facts; what panes hold has histories of its own.
var sentences = map[string]string{
	"callers": `unit: count
of: contact
at: started_at
by: [queue, channel]
measures:
  all: {entities: {of: customer}}
  inbound: {entities: {of: [customer, channel], where: {direction: inbound}}}
  often: {entities: {of: customer, at_least: 3}}
  content: {entities: {of: customer, latest: {ended_by: customer}}}
  before: {entities: {of: customer, in: previous}}
  kept: {entities: {of: customer, in: both}}
  fresh: {entities: {of: customer, in: new}}
  back: {entities: {of: customer, in: returned}}
  gone: {entities: {of: customer, in: gone}}
  held: {last: {of: transfers, per: customer}}
value:
  headline: all
  v1: inbound
  v2: often
  v3: content
  v4: before
  v5: kept
  v6: fresh
  v7: back
  v8: gone
  v9: held
  v10: fresh - previous(fresh)
  v11: (all - previous(all)) / previous(all)`,
	"seldom": `unit: count
of: contact
at: started_at
by: [queue]
measures:
  all: {entities: {of: customer}}
  held: {last: {of: transfers, per: customer, where: {transfers: {ge: 4}, direction: inbound}}}
value:
  headline: held
  v1: held - previous(held)
  v2: all`,
	"again": `unit: ratio
of: contact
at: started_at
by: [channel]
days: [0, 1, 3, 1-7, 10+]
measures:
  size: {born: {of: customer}}
  back: {back: {of: customer}}
value: back / size`,
	"again_hours": `unit: ratio
of: contact
at: started_at
by: [queue, channel]
days: [1, 2-4]
measures:
  size: {born: {of: customer, where: {direction: inbound}}}
  back: {back: {of: customer, days: hours}}
value: back / size`,
	"effort": `unit: s
of: agent_segment
at: started_at
by: [agent, queue]
measures:
  talk: {sum: {of: talk}}
  callers: {of: contact, at: started_at, entities: {of: customer}}
  handled: {of: contact, at: started_at, count: {outcome: answered}}
value: {headline: talk / callers, v1: talk / handled}`,
	"answered_once": `unit: ratio
of: contact
at: started_at
by: [queue]
final: {after: 2d}
measures: {n: {count: {outcome: answered}}, all: {count: {}}}
value: n / all`,
	"matrix": `unit: count
of: contact
at: started_at
by: [queue]
grid:
  x: {per: customer, sum: transfers, where: {direction: outbound}, into: 2}
  y: {of: contact, at: started_at, per: customer, count: {direction: inbound}, bounds: [3, 5]}
measures:
  n: {cell: count}
value: n`,
	"values_of": `unit: count
of: contact
at: started_at
by: [channel]
grid:
  x: {per: customer, mean: transfers, into: 3}
  y: {per: customer, sum: transfers, bounds: [2, 6]}
measures:
  n: {cell: count}
  held: {cell: y}
value: {headline: n, v1: held}`,
	"spans": `unit: ratio
of: contact
at: started_at
by: [queue, channel]
params:
  limit: [20s, {from: 2026-03-12T00:00+03:30, is: 40s}, {from: 2026-03-25T10:30:00.5Z, is: 10s}]
measures:
  soon: {count: {wait: {le: $limit}}}
  later: {count: {wait: {gt: $limit}}}
  brief: {entities: {of: customer, where: {ended_at: {since: started_at, ge: 30m, lt: 2h}}}}
  ended: {count: {ended_at: {since: started_at, known: true}}}
  lately: {count: {started_at: {ge: 2026-03-10T12:00Z}, wait: {known: true}}}
  meant: {of: agent_segment, at: started_at, count: {talk: {lt: $limit}}}
  awake: {count: {started_at: {in_hours: iran_support}, ended_at: {out_of_hours: europe_example}}}
  asleep: {entities: {of: customer, where: {started_at: {out_of_hours: iran_support}}}}
value:
  headline: soon / (soon + later)
  v1: brief
  v2: ended
  v3: lately
  v4: meant
  v5: awake
  v6: asleep`,
	"functions": `unit: count
of: contact
at: started_at
by: [queue]
params: {hour: 1h}
final: {after: 10m}
measures:
  all: {count: {}}
  waited: {hist: {of: wait}}
  longest: {max: {of: wait, where: {outcome: abandoned, transfers: {ge: 4}}}}
  held: {last: {of: transfers, per: customer, where: {transfers: {ge: 4}}}}
  on: {during: {from: started_at, to: ended_at, where: {state: [open, closed]}}}
  old: {during: {from: started_at, after: 1h, to: ended_at}}
value:
  headline: coalesce(held, 0 - 1)
  v1: sqrt(all - 3)
  v2: abs(all - 5)
  v3: power(all, 3)
  v4: min(all, held, 4)
  v5: max(all, held, 4)
  v6: if(all >= 5, held)
  v7: if(all < 5, held, all)
  v8: deviation(waited) / mean(waited)
  v9: all * $hour / elapsed()
  v10: max(max(longest), mean(waited)) / $hour
  v11: sqrt(power(mean(waited), 2) + power(max(waited), 2)) / $hour
  v12: if(held > all, 1, 2)
  v13: on / elapsed()
  v14: on / $hour
  v15: old / $hour`,
	"presences": `unit: count
of: contact
at: started_at
by: [queue, channel]
measures:
  kept: {among: {of: customer, in: both, sum: transfers}}
  before: {among: {of: customer, in: previous, sum: transfers}}
  gone: {among: {of: customer, in: gone, where: {direction: inbound}}}
  fresh: {among: {of: [customer, channel], in: new}}
  back: {among: {of: customer, in: returned, sum: transfers}}
  again: {again: {of: customer, within: 2d}}
  same: {again: {of: [customer, direction], within: 36h, where: {outcome: abandoned}}}
value:
  headline: kept
  v1: before
  v2: gone
  v3: fresh
  v4: back
  v5: again
  v6: same`,
	"of_others": `unit: ratio
of: contact
at: started_at
by: [queue]
value: {headline: kpi(callers.v6) / kpi(callers), v1: kpi(answered_once)}`,
}

const head = "title: {en: T, fa: T}\nhelp: h\nformula: f\nsource: s\nowner: o\nlevel: operational\nfamily: f\n"

// language loads the definitions with tables of their own.
func language(t *testing.T) (*warehouse.Model, *tables, func(string) (rows []values.Row)) {
	t.Helper()
	conn, model := house(t, "Asia/Tehran")
	cat, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	tree := fstest.MapFS{}
	for name, text := range sentences {
		tree[name+"/"+kpi.File] = &fstest.MapFile{Data: []byte(head + text + "\n")}
	}
	if cat.KPIs, err = kpi.Load(tree, kinds.Families(cat.Kinds), cat.Calendars); err != nil {
		t.Fatal(err)
	}
	model.KPIs, model.Families = cat.KPIs, cat.Families()
	all := model.Tables()
	for i := range all {
		for _, c := range all[i].Columns {
			exec(t, conn, all[i].Add(c).SQL)
		}
	}
	return model, newTables(t, cat, model), func(sql string) (rows []values.Row) {
		if err := values.Rows(t.Context(), conn, sql, func(r values.Row) error { rows = append(rows, r); return nil }); err != nil {
			t.Fatalf("%v\n%s", err, sql)
		}
		return rows
	}
}

// lately are random facts of some weeks, and where the clock then stands.
func lately(rnd *rand.Rand, families []*fact.Family) (facts []fact.Fact, now int64) {
	family := func(name string) *fact.Family {
		return families[slices.IndexFunc(families, func(f *fact.Family) bool { return f.Name == name })]
	}
	pick := func(words ...string) fact.Value { return fact.Str(words[rnd.IntN(len(words))]) }
	const day = 86_400_000
	begin := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC).UnixMilli()
	var opened int64 // of the fact that is being made
	make := func(f *fact.Family, n int, set func(put func(string, fact.Value))) {
		for range n {
			x := fact.Fact{Family: f, OpenedAt: begin + rnd.Int64N(40*day)/60_000*60_000, Values: make([]fact.Value, len(f.Columns))}
			for i := range x.ID {
				x.ID[i] = byte(rnd.Uint32())
			}
			if at := f.Column("started_at"); at >= 0 {
				x.Values[at] = fact.Int(x.OpenedAt)
			}
			opened = x.OpenedAt
			set(func(name string, v fact.Value) { x.Values[f.Column(name)] = v })
			facts = append(facts, x)
		}
	}
	make(family("contact"), 250, func(put func(string, fact.Value)) {
		put("customer", pick("", "ann", "bob", "cid", "dee", "eve", "fay", "gus", "hal", "ivy", "jon"))
		put("queue", pick("sales", "care"))
		put("channel", pick("voice", "chat"))
		put("direction", pick("inbound", "outbound"))
		put("ended_by", pick("customer", "agent"))
		put("state", pick(contact.Closed, contact.Closed, contact.Open))
		put("outcome", pick(contact.Answered, contact.Abandoned))
		put("transfers", fact.Int(rnd.Int64N(5)))
		if x := rnd.Int64N(4); x > 0 {
			put("wait", fact.Int(rnd.Int64N(50)*1000))
			put("ended_at", fact.Int(opened+x*45*60_000))
		}
	})
	make(family("agent_segment"), 120, func(put func(string, fact.Value)) {
		put("agent", pick("amy", "ben"))
		put("queue", pick("sales", "care"))
		put("channel", pick("voice", "chat"))
		put("state", fact.Str(contact.Ended))
		put("talk", fact.Int(rnd.Int64N(600_000)))
	})
	for from, into := range map[string]string{"ann": "bob", "bob": "cid", "jon": "ivy"} {
		make(family("customer"), 1, func(put func(string, fact.Value)) {
			put("customer", fact.Str(from))
			put("merged_into", fact.Str(into))
		})
	}
	return facts, begin + 40*day + rnd.Int64N(3*day)
}

// TestLanguage holds what ClickHouse says of facts against the same by sets and
// against sums worked out one fact at a time, for every word of the language.
func TestLanguage(t *testing.T) {
	model, x, ask := language(t)
	conn := open(t)
	rnd := rand.New(rand.NewPCG(7, 7))
	told := map[string][]fact.Fact{}
	clock := map[string]int64{}
	for seed := range 1 {
		feed := fmt.Sprintf("f%d", seed)
		facts, now := lately(rnd, model.Families)
		told[feed], clock[feed] = facts, now
		for i := range facts {
			x.fact(feed, int64(i), &facts[i])
		}
		x.put("progress", map[string]any{"topic": "nabz.panes.v1", "tenant": "demo", "feed": feed, "generation": int64(1), "epoch": int64(1), "position": int64(1), "now": now, "state": "open"})
	}
	x.insert(conn)
	for _, d := range model.KPIs.Definitions {
		for g, by := range map[warehouse.Grain][]string{warehouse.Day: nil, warehouse.Month: d.By, warehouse.All: nil} {
			for feed := range told {
				name := fmt.Sprintf("%s by %s and %v of %s", d.Name, g, by, feed)
				f := warehouse.Filter{Feed: feed}
				q := f.Of(warehouse.Query{Definition: d, By: by, Grain: g, Zone: model.Zone, WeekStart: 6})
				// Panes are not filled here: the side of facts alone has them.
				rows := ask(fmt.Sprintf("SELECT * FROM (\n%s\n)", model.Naive(q)))
				if len(rows) == 0 {
					t.Fatalf("%s: nothing", name)
				}
				if !slices.ContainsFunc(d.Measures, func(n kpi.Named) bool { return n.Measure.Op.Additive() }) {
					r := ask(model.Compare(q))[0]
					if r.Values[1].(int64) != 0 || r.Values[0].(int64) == 0 {
						t.Errorf("%s: %v", name, r.Values)
					}
				}
				for _, r := range rows {
					overFacts(t, name, d, g, r, told[feed], clock[feed])
				}
			}
		}
	}
}

// overFacts holds a row of values against facts counted one by one.
func overFacts(t *testing.T, name string, d *kpi.Definition, g warehouse.Grain, r values.Row, facts []fact.Fact, now int64) {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Tehran")
	if err != nil {
		t.Fatal(err)
	}
	cell := map[string]any{}
	for i, c := range r.Columns {
		cell[c] = r.Values[i]
	}
	where := map[string]string{}
	for _, dim := range d.Dims() {
		if v, ok := cell[dim].(string); ok {
			where[dim] = v
		}
	}
	at, err := time.Parse(time.RFC3339, cell["time"].(string))
	if err != nil {
		t.Fatal(err)
	}
	at = at.In(zone)
	step := func(n int) int64 {
		switch g {
		case warehouse.Day:
			return at.AddDate(0, 0, n).UnixMilli()
		case warehouse.Week:
			return at.AddDate(0, 0, 7*n).UnixMilli()
		}
		return at.AddDate(0, n, 0).UnixMilli()
	}
	in := kpi.Interval{From: at.UnixMilli(), Until: step(1), Before: step(-1), Now: now}
	in.Day = func(ms int64) int64 {
		l := time.UnixMilli(ms).In(zone)
		return time.Date(l.Year(), l.Month(), l.Day(), 0, 0, 0, 0, time.UTC).Unix() / 86_400
	}
	if g == warehouse.All {
		if len(d.Days) > 0 || d.AfterMs > 0 {
			return // it ripens by the last fact of each group
		}
		in.From, in.Before, in.Until = math.MinInt64, math.MinInt64, math.MaxInt64
	}
	want := map[string]float64{}
	for _, f := range d.OverFacts(facts, where, in) {
		want[f.Name] = f.Value
	}
	for _, v := range d.Values {
		column := v.Name
		if column == "" {
			column = "value"
		}
		got, known := cell[column].(float64)
		w, wanted := want[column]
		if known != wanted || math.Abs(got-w) > 1e-9*math.Max(1, math.Abs(w)) {
			t.Errorf("%s at %v of %v, %s: ClickHouse says %v, facts say %v", name, at, maps.Clone(where), column, cell[column], want)
		}
	}
}

func (x *tables) fact(feed string, version int64, f *fact.Fact) {
	var id event.UID = f.ID
	row := map[string]any{
		"tenant": "demo", "feed": feed, "generation": int64(1), "epoch": int64(1), "item": fmt.Sprint(version), "id": id, "opened_at": f.OpenedAt, "version": version,
	}
	if own := f.Family.Column(f.Family.Kind); own >= 0 {
		row["item"] = f.Values[own].Text
	}
	for i, v := range f.Values {
		switch c := f.Family.Columns[i]; {
		case !v.Set:
		case c.Type == fact.Text:
			row[c.Name] = v.Text
		default:
			row[c.Name] = v.Int
		}
	}
	x.put("fact_"+f.Family.Name, row)
}

// TestWordsAreRefused shows what a definition of the longer words may not say.
func TestWordsAreRefused(t *testing.T) {
	cat, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	f := func(of, old, slip, want string) {
		t.Helper()
		text := head + strings.Replace(sentences[of], old, slip, 1)
		if _, err := kpi.Check("k/kpi.yaml", "k", []byte(text), kinds.Families(cat.Kinds), cat.KPIs); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	f("callers", "in: previous", "in: prevous", `did you mean "previous"?`)
	f("callers", "of: customer, in: both", "of: transfers, in: both", `column "transfers" does not fit here`)
	f("callers", "at_least: 3", "at_least: 0", "0 is not within 1")
	f("again", "days: [0, 1, 3, 1-7, 10+]", "days: [0, 7-1]", "ends before it begins")
	f("again", "days: [0, 1, 3, 1-7, 10+]\n", "", "born and back need days")
	f("presences", "in: gone", "in: this", `"this" is not one of`)
	f("presences", "within: 2d", "within: two days", `"two days" is no span`)
	f("presences", "sum: transfers}}\n  before", "sum: customer}}\n  before", `column "customer" does not fit here`)
	f("again", "size: {born: {of: customer}}", "size: {entities: {of: customer}}", "has one measure born")
	f("effort", ", at: started_at, entities", ", entities", "says at which of its instants")
	f("effort", "callers: {of: contact, at: started_at, entities: {of: customer}}", "callers: {of: contact, at: started_at, max: {of: wait}}", `which has no dimension "agent"`)
	f("of_others", "kpi(callers.v6)", "kpi(asaa)", `no KPI "asaa", did you mean "asa"?`)
	f("answered_once", "n / all", "previous(n) / oldest(all)", `"all" is read by its name alone`)
	f("spans", "since: started_at, ge: 30m", "since: start_at, ge: 30m", `did you mean "started_at"?`)
	f("spans", "wait: {gt: $limit}", "wait: {since: started_at, gt: $limit}", `column "wait" is no instant`)
	f("spans", "2026-03-12T00:00+03:30", "2026-04-12T00:00+03:30", "stands in the order of time")
	f("spans", "in_hours: iran_support", "in_hours: iran", `no calendar "iran"`)
	f("spans", "wait: {gt: $limit}", "wait: {in_hours: always}", `column "wait" is no instant`)
	f("spans", "2026-03-10T12:00Z", "2026-03-10", "is no instant: write")
	f("spans", "v1: brief", "v1: brief * ($limit / $limit)", "$limit changes")
	f("answered_once", "unit: ratio", "unit: money", "the unit money is")
}

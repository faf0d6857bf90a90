package incident_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/nabz/nabz/pkg/incident"
	"github.com/nabz/nabz/pkg/row"
)

const minute = int64(60_000)

// start is an instant of no meaning: 2026-11-22 00:00 UTC.
const start = int64(1_795_392_000_000)

func hook() incident.Config {
	return incident.Config{Receivers: []incident.Receiver{{Name: "hook", Delays: []int64{5_000, 5 * minute}}}}
}

// verdict makes one of a contact, or of a rule where the item is a queue's
// name in capitals.
func verdict(item, state, stage string, version, at int64) *row.Verdict {
	v := &row.Verdict{
		Place: row.Place{Tenant: "acme"}, Policy: "queue_wait", Kind: row.Deadline, Item: item, Episode: start,
		Severity: incident.Page, State: state, Stage: stage, DueAt: start + minute, DecidedAt: at, Target: minute, Version: version,
		Labels: []row.Label{{Name: "queue", Value: "sales"}},
	}
	if item == strings.ToUpper(item) {
		v.Policy, v.Kind, v.Value, v.Bound, v.Target = "service_level_low", row.Threshold, 0.7, 0.8, 0
		v.Episode = at
	}
	return v
}

// TestScores plays one thing's verdicts, a letter a minute, and shows what the
// receiver is told in the same columns. Verdicts: b breached, p provisionally,
// n no data, t breached but of a ticket, q breached and quiet, f breached of a
// named feed, m met, l met late, w withdrawn, a at risk, . none. Told: F
// firing, R resolved.
func TestScores(t *testing.T) {
	f := func(name, item, verdicts, told, resolution string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			m := incident.New(hook())
			got, last := "", ""
			for i, c := range verdicts {
				now := start + int64(i)*minute
				if c != '.' {
					m.Step(lettered(item, c, int64(i)+1, now), int64(i), now)
				}
				m.Tick(now, true)
				column := "."
				for _, msg := range all(m, now) {
					column = map[string]string{incident.Firing: "F", incident.Ended: "R"}[msg.Event]
					last = msg.Incident.Resolution
				}
				got += column
			}
			if got != told || last != resolution {
				t.Errorf("%s\n%s is told, and %q at last; want\n%s and %q", verdicts, got, last, told, resolution)
			}
		})
	}
	f("late", "c1", "..pb..l.", "...F..R.", incident.Over)
	f("retracted", "c1", "b.m.", "F.R.", incident.Retracted)
	f("withdrawn", "c1", "b.w.", "F.R.", incident.Retracted)
	f("not_so_late", "c1", "b.a.", "F.R.", incident.Retracted)
	f("confirmed_is_no_second", "c1", "bbbb.l", "F....R", incident.Over)
	f("never_told", "c1", "p.l.m.w.", "........", "")
	f("quiet", "c1", "q..l", "....", "")
	f("quiet_end", "c1", "b..Q", "F..R", incident.Over)
	f("history", "c1", "f..l", "....", "")
	f("again", "c1", "b.m..b.l", "F.R..F.R", incident.Over)

	f("rule", "SALES", "b....m..", "F....R..", incident.Over)
	f("found_again", "SALES", "b..b.b.m", "F......R", incident.Over)
	f("found_from_its_beginning", "SALES", "b..a.b.m", "F......R", incident.Over)
	f("flapping", "SALES", "b.m.b.m.b.m.", "F.R.........", incident.Over)
	f("flapping_stays", "SALES", "b.m.b...............m", "F.R............F....R", incident.Over)
	f("later", "SALES", "b.m..............b.m", "F.R..............F.R", incident.Over)
	f("worse_while_flapping", "SALES", "t.m.b.m", "F.R.F.R", incident.Over)
	f("no_data_ends_nothing", "SALES", "b..n..m", "F.....R", incident.Over)
}

func lettered(item string, c rune, version, now int64) *row.Verdict {
	states := map[rune]string{
		'b': row.Breached, 'p': row.Breached, 't': row.Breached, 'q': row.Breached, 'f': row.Breached, 'n': row.NoData,
		'm': row.Met, 'l': row.MetLate, 'Q': row.MetLate, 'w': row.Withdrawn, 'a': row.AtRisk,
	}
	v := verdict(item, states[c], row.Settled, version, now)
	switch c {
	case 'p':
		v.Stage = row.Provisional
	case 't', 'n':
		v.Severity = incident.Ticket
	case 'q', 'Q':
		v.Quiet = true
	case 'f':
		v.Feed = "bank"
	}
	return v
}

// all acknowledges, takes and delivers everything that is owed.
func all(m *incident.Machine, now int64) []incident.Message {
	var out []incident.Message
	for {
		acknowledge(m)
		got := m.Take("hook", now, 100)
		if len(got) == 0 {
			return out
		}
		for i := range got {
			m.Done("hook", &got[i], incident.Outcome{Delivered: true}, now)
		}
		out = append(out, got...)
	}
}

// acknowledge makes every record durable that a test did not keep.
func acknowledge(m *incident.Machine) {
	for _, key := range []string{"c1", "SALES"} {
		v := verdict(key, row.Breached, row.Settled, 1, start)
		for episode := start; episode < start+60*minute; episode += minute {
			for _, severity := range []string{incident.Page, incident.Ticket} {
				v.Severity = severity
				if v.Kind == row.Threshold {
					v.Episode = episode
				}
				for seq := range int64(12) {
					m.Acknowledged(&incident.Record{Key: incident.Key(v), Seq: seq})
				}
			}
		}
	}
}

func TestEscalation(t *testing.T) {
	m := incident.New(hook())
	opened := m.Step(lettered("SALES", 't', 1, start), 0, start)
	worse := m.Step(lettered("SALES", 'b', 2, start+minute), 1, start+minute)
	if len(worse) != 2 || worse[0].Event != incident.Resolved || worse[0].Incident.Resolution != incident.Escalated ||
		worse[1].Event != incident.Opened || worse[1].Incident.Severity != incident.Page {
		t.Fatalf("a worse verdict gives %+v", worse)
	}
	// A death between the two records: the verdict is read again and opens
	// what it would have opened.
	again := incident.New(hook())
	again.Fold(opened[0])
	again.Fold(worse[0])
	if again.Position() != 1 {
		t.Fatalf("the position is %d while only half of a verdict is kept, want 1", again.Position())
	}
	rest := again.Step(lettered("SALES", 'b', 2, start+minute), 1, start+minute)
	if len(rest) != 1 || rest[0].Event != incident.Opened || rest[0].Key != worse[1].Key {
		t.Fatalf("after a death between: %+v, want the opening of %s", rest, worse[1].Key)
	}
}

// TestLate: what was over when it is found is not told, what still is, is.
func TestLate(t *testing.T) {
	m := incident.New(hook())
	now := start + 300*minute
	var records []*incident.Record
	records = append(records, m.Step(verdict("over", row.Breached, row.Settled, 1, start), 0, now)...)
	records = append(records, m.Step(verdict("open", row.Breached, row.Settled, 2, start), 1, now)...)
	records = append(records, m.Step(verdict("over", row.MetLate, row.Settled, 3, start+minute), 2, now)...)
	records = append(records, m.Tick(now, false)...)
	if got := m.Backlog(); got != 0 {
		t.Fatalf("%d messages before all is read, want 0", got)
	}
	records = append(records, m.Tick(now, true)...)
	last := records[len(records)-1]
	if m.Backlog() != 1 || last.Event != incident.Released || last.Incident.Item != "open" {
		t.Fatalf("%d messages, the last record is %+v; want the release of the open one", m.Backlog(), last)
	}
}

// TestComputedAnew: a new epoch judges the past again, and opens nothing that
// was told; what it finds later is news.
func TestComputedAnew(t *testing.T) {
	m := incident.New(hook())
	step := func(state string, epoch, version, at int64) int {
		v := verdict("c1", state, row.Settled, version, at)
		v.Epoch = epoch
		return len(m.Step(v, m.Position(), start+10*minute))
	}
	got := []int{
		step(row.Breached, 1, 5, start+minute), step(row.MetLate, 1, 9, start+2*minute),
		step(row.Breached, 2, 5, start+minute), step(row.MetLate, 2, 9, start+2*minute),
		step(row.Breached, 2, 12, start+5*minute),
	}
	if want := []int{1, 1, 0, 0, 1}; !slices.Equal(got, want) {
		t.Errorf("records %v, want %v", got, want)
	}
}

func TestCap(t *testing.T) {
	c := hook()
	c.Cap = 10
	m := incident.New(c)
	offset := int64(0)
	var records []*incident.Record
	step := func(v *row.Verdict) {
		records = append(records, m.Step(v, offset, start)...)
		offset++
	}
	for i := range 30 {
		step(verdict(fmt.Sprint("c", i), row.Breached, row.Settled, 1, start))
	}
	if len(records) != 11 || records[10].Incident.Kind != incident.Overflow {
		t.Fatalf("30 breaches above a cap of 10 give %d records, the last %+v; want 11, the last an overflow", len(records), records[len(records)-1].Incident)
	}
	for i := range 30 {
		step(verdict(fmt.Sprint("c", i), row.MetLate, row.Settled, 2, start))
	}
	if m.Open() != 0 || len(records) != 22 {
		t.Errorf("%d are open after %d records, want 0 after 22", m.Open(), len(records))
	}
}

func TestRetries(t *testing.T) {
	m := incident.New(hook())
	records := m.Step(verdict("c1", row.Breached, row.Settled, 1, start), 0, start)
	if got := m.Take("hook", start, 9); len(got) != 0 {
		t.Fatal("a message went before its record was durable")
	}
	m.Acknowledged(records[0])
	m.Step(verdict("c1", row.MetLate, row.Settled, 2, start+1), 1, start+1)
	f := func(at int64, o incident.Outcome, event string, next int64) {
		t.Helper()
		got := m.Take("hook", at, 9)
		if len(got) != 1 || got[0].Event != incident.Firing {
			t.Fatalf("at +%d: %+v, want the opening alone", at-start, got)
		}
		if r := m.Done("hook", &got[0], o, at); r.Event != event || r.Next != next {
			t.Fatalf("at +%d: %+v, want %s and the next try at %d", at-start, r, event, next)
		}
	}
	f(start, incident.Outcome{Reason: "503"}, incident.Failed, start+5_000)
	if got := m.Take("hook", start+4_999, 9); len(got) != 0 {
		t.Fatalf("a second attempt after 4.999 s, or a resolution before its opening: %+v", got)
	}
	f(start+5_000, incident.Outcome{Reason: "429", After: 10 * minute}, incident.Failed, start+5_000+10*minute)
	f(start+20*minute, incident.Outcome{Reason: "503"}, incident.Dropped, 0)
	acknowledge(m)
	if got := m.Take("hook", start+20*minute, 9); len(got) != 1 || got[0].Event != incident.Ended {
		t.Errorf("behind a dropped opening: %+v, want the resolution", got)
	}
}

var (
	one   = flag.Uint64("seed", 0, "the one seed to play")
	seeds = flag.Uint64("seeds", 300, "how many seeds to play")
)

// TestSeeds plays random verdicts through a machine that dies at any moment,
// with lost and maybe-applied writes and answers that are lost. Nothing owed
// may be lost, nothing told twice under two names, and what the receiver holds
// at last must be what the verdicts say.
func TestSeeds(t *testing.T) {
	from, to := uint64(1), *seeds
	if *one > 0 {
		from, to = *one, *one
	}
	for seed := from; seed <= to; seed++ {
		if err := play(seed); err != nil {
			t.Fatalf("seed %d: %v\nreplay: go test ./incident -run TestSeeds -seed=%d", seed, err, seed)
		}
	}
}

// world is an outbox, a receiver and a machine between them.
type world struct {
	rand      *rand.Rand
	verdicts  []*row.Verdict
	log       []*incident.Record // durable
	unsettled []*incident.Record // produced, not acknowledged
	m         *incident.Machine
	next      int64 // verdict to read
	committed int64
	now       int64
	told      map[string][]incident.Message // by key, each id once
	ids       map[string]bool
	deaths    int
}

func play(seed uint64) error {
	r := rand.New(rand.NewPCG(seed, 4))
	w := &world{rand: r, m: incident.New(hook()), now: start, told: map[string][]incident.Message{}, ids: map[string]bool{}}
	for i := range int64(60) {
		item := fmt.Sprint("c", r.IntN(6))
		if r.IntN(4) == 0 {
			item = []string{"SALES", "HELP"}[r.IntN(2)]
		}
		c := []rune("bbbbpnmlwaqf")[r.IntN(12)]
		w.verdicts = append(w.verdicts, lettered(item, c, i+1, start+i*1000))
		if r.IntN(10) == 0 { // a processor that died writes rows again
			w.verdicts = append(w.verdicts, w.verdicts[max(0, len(w.verdicts)-1-r.IntN(8)):]...)
		}
	}
	for step := 0; step < 1200 || w.next < int64(len(w.verdicts)); step++ {
		w.now += r.Int64N(2000)
		w.move()
	}
	// The end: no death any more, and time enough for every attempt.
	for range 120 {
		w.now += minute
		w.read()
		w.keep(len(w.unsettled))
		w.produce(w.m.Tick(w.now, true))
		w.tell(true)
	}
	return w.judge()
}

func (w *world) move() {
	switch n := w.rand.IntN(100); {
	case n < 30:
		w.read()
	case n < 60:
		w.keep(w.rand.IntN(len(w.unsettled) + 1))
	case n < 85:
		w.tell(w.rand.IntN(3) > 0)
	case n < 90:
		w.produce(w.m.Tick(w.now, w.next == int64(len(w.verdicts))))
	case n < 97:
		if len(w.unsettled) == 0 {
			w.committed = w.next
		}
	default:
		w.die()
	}
}

func (w *world) read() {
	if w.next < int64(len(w.verdicts)) {
		w.produce(w.m.Step(w.verdicts[w.next], w.next, w.now))
		w.next++
	}
}

func (w *world) produce(rs []*incident.Record) { w.unsettled = append(w.unsettled, rs...) }

// keep makes the first n records durable and tells the machine.
func (w *world) keep(n int) {
	for _, r := range w.unsettled[:n] {
		w.log = append(w.log, r)
		w.m.Acknowledged(r)
	}
	w.unsettled = slices.Clone(w.unsettled[n:])
}

func (w *world) tell(answered bool) {
	for _, msg := range w.m.Take("hook", w.now, 1+w.rand.IntN(3)) {
		if arrives := answered || w.rand.IntN(2) == 0; arrives && !w.ids[msg.ID()] {
			w.ids[msg.ID()] = true
			w.told[msg.Key] = append(w.told[msg.Key], msg)
		}
		if answered {
			w.produce([]*incident.Record{w.m.Done("hook", &msg, incident.Outcome{Delivered: true}, w.now)})
		} else {
			w.die()
			return
		}
	}
}

// die forgets all but the log; what was produced may or may not be in it.
func (w *world) die() {
	w.deaths++
	w.log = append(w.log, w.unsettled[:w.rand.IntN(len(w.unsettled)+1)]...)
	w.unsettled = nil
	w.m = incident.New(hook())
	for _, r := range w.log {
		b, err := r.Append(nil)
		if err != nil {
			panic(err)
		}
		kept, err := incident.Decode(b)
		if err != nil {
			panic(err)
		}
		w.m.Fold(kept)
	}
	w.next = max(w.committed, w.m.Position())
}

// judge holds what the receiver was told against the verdicts.
func (w *world) judge() error {
	firing := map[string]int{} // by thing
	for key, msgs := range w.told {
		for i, m := range msgs {
			if want := []string{incident.Firing, incident.Ended}[i%2]; m.Event != want {
				return fmt.Errorf("after %d deaths, message %d of %s is %s, want %s", w.deaths, i, key, m.Event, want)
			}
		}
		if len(msgs)%2 == 1 {
			firing[msgs[0].Incident.Rule+msgs[0].Incident.Item]++
		}
	}
	want, times := map[string]bool{}, map[string]int{}
	last := map[string]int64{}
	for _, v := range w.verdicts {
		what := v.Policy + v.Item
		if v.Feed != "" || v.Version <= last[what] || v.Kind == row.Threshold && v.State == row.AtRisk {
			continue
		}
		last[what] = v.Version
		switch alarming := v.State == row.Breached || v.State == row.NoData; {
		case !alarming:
			want[what] = false
		case !want[what] && !v.Quiet && v.Stage != row.Provisional:
			want[what] = true
			times[what]++
		}
	}
	for what, is := range want {
		if got := firing[what]; is != (got == 1) || got > 1 {
			return fmt.Errorf("after %d deaths, %s fires %d times at last, want %v", w.deaths, what, got, is)
		}
	}
	for key, msgs := range w.told {
		i := msgs[0].Incident
		if openings := (len(msgs) + 1) / 2; i.Kind == row.Deadline && openings != times[i.Rule+i.Item] {
			return fmt.Errorf("after %d deaths, %s (%s) was opened %d times, want %d", w.deaths, key, i.Item, openings, times[i.Rule+i.Item])
		}
	}
	if n := w.m.Backlog(); n != 0 {
		return fmt.Errorf("%d messages are still owed at the end", n)
	}
	return nil
}

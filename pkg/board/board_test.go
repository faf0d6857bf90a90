package board_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/nabz/nabz/pkg/board"
	"github.com/nabz/nabz/pkg/kpi"
	"github.com/nabz/nabz/pkg/pane"
	"github.com/nabz/nabz/pkg/row"
	"github.com/nabz/nabz/pkg/sim"
	"github.com/nabz/nabz/pkg/track"
	"github.com/nabz/nabz/pkg/track/contact"
)

const tasks = 3

// set is definitions of every kind of measure.
func set(tb testing.TB) *kpi.Set {
	tb.Helper()
	head := "title: {en: x, fa: x}\nhelp: x\nformula: x\nsource: x\nowner: operations\nlevel: operational\nfamily: service\n"
	queue := head + "of: queue_segment\nat: enqueued_at\nby: [queue, channel]\n"
	files := map[string]string{
		"offered":  queue + "unit: count\nmeasures:\n  n: {count: {}}\nvalue: n\n",
		"rate":     queue + "unit: ratio\nmeasures:\n  n: {count: {}}\n  a: {count: {outcome: answered}}\nvalue: a / n\n",
		"asa":      queue + "unit: s\nmeasures:\n  w: {sum: {of: wait, where: {outcome: answered}}}\n  a: {count: {outcome: answered}}\nvalue: w / a\n",
		"waiting":  queue + "unit: count\nmeasures:\n  w: {level: {from: enqueued_at, to: left_at}}\nvalue:\n  headline: level(w)\n  mean: mean_level(w)\n",
		"waits":    queue + "unit: s\nmeasures:\n  w: {hist: {of: wait, where: {outcome: answered}}}\nvalue: p90(w)\n",
		"longest":  queue + "unit: s\nmeasures:\n  m: {max: {of: wait}}\nvalue: max(m)\n",
		"oldest":   queue + "unit: s\nmeasures:\n  w: {level: {from: enqueued_at, to: left_at}}\nvalue: oldest(w)\n",
		"contacts": head + "of: contact\nat: started_at\nby: [queue]\nunit: count\nmeasures:\n  n: {count: {}}\nvalue: n\n",
	}
	tree := fstest.MapFS{}
	for name, text := range files {
		tree[name+"/kpi.yaml"] = &fstest.MapFile{Data: []byte(text)}
	}
	s, err := kpi.Load(tree, contact.NewFamilies().All(), nil)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// day lets days begin at half past ten in the evening, within the histories.
func day(ms int64) int64 {
	const length, begins = 86_400_000, 81_000_000
	return (ms-begins)/length*length + begins
}

func config(s *kpi.Set) board.Config {
	return board.Config{KPIs: s, Partition: 5, Tasks: tasks, DayStart: day}
}

// flow is what the tasks of a few histories wrote to one partition of panes,
// and the facts that are true at the end.
type flow struct {
	records [][]byte
	facts   map[string]*row.Fact
	clocks  map[int32]int64
}

// draw lets tasks work through histories side by side, each as far as it comes.
func draw(tb testing.TB, s *kpi.Set, seed uint64, epoch int64) *flow {
	tb.Helper()
	rnd := rand.New(rand.NewPCG(seed, 7))
	f := &flow{facts: map[string]*row.Fact{}, clocks: map[int32]int64{}}
	var machines []*track.Task
	var logs [][]sim.Record
	for p := range int32(tasks) {
		c := sim.NewPlan(p).Config
		c.Epoch = epoch
		c.Kinds[0].Tracker = contact.New(contact.Config{
			Families: families(s), Opener: opener, LingerMs: c.Kinds[0].Timing.Linger, MaxAgeMs: c.Kinds[0].Timing.MaxAge,
		})
		c.Layouts = nil
		for _, family := range s.Families {
			c.Layouts = append(c.Layouts, pane.NewLayout(family, s.Measures(family.Name)))
		}
		machines = append(machines, track.NewTask(c))
		h := sim.History(seed*tasks + uint64(p))
		logs = append(logs, h[:len(h)/2+rnd.IntN(len(h)/2)])
	}
	for left := tasks; left > 0; {
		p := rnd.IntN(tasks)
		m := machines[p]
		if m.Position() == int64(len(logs[p])) {
			continue
		}
		m.Step(m.Position(), logs[p][m.Position()].Bytes)
		done := m.Position() == int64(len(logs[p]))
		if done {
			left--
		}
		if done || rnd.IntN(4) == 0 {
			m.Flush(func(e track.Effect) { f.put(tb, e) })
		}
	}
	return f
}

func families(s *kpi.Set) contact.Families {
	return contact.Families{Queue: s.Families[0], Agent: s.Families[1], Contact: s.Families[2]}
}

func opener(eventType string) bool {
	return eventType == "contact.created" || eventType == "contact.queued"
}

func (f *flow) put(tb testing.TB, e track.Effect) {
	tb.Helper()
	r, err := row.Decode(e.Value)
	if err != nil {
		tb.Fatal(err)
	}
	switch r := r.(type) {
	case *row.Fact:
		key := fmt.Sprint(r.Feed, r.Family, r.Item, r.ID, r.OpenedAt)
		if was := f.facts[key]; was == nil || r.Version > was.Version {
			f.facts[key] = r
		}
		return
	case *row.Reject:
		return
	case *row.Progress:
		if r.Feed == "" {
			f.clocks[r.Partition] = r.Now
		}
	}
	f.records = append(f.records, slices.Clone(e.Value))
}

// wall is what somebody sees who reads readings.
type wall map[string]*row.Reading

func (w wall) take(tb testing.TB, b *board.Board) (n int) {
	tb.Helper()
	for b.Readings(func(r *row.Reading) {
		n++
		r = clone(tb, r)
		key := fmt.Sprint(r.Tenant, r.KPI, r.Scope, r.Dims)
		was := w[key]
		switch {
		case was != nil && (r.Version < was.Version || r.AsOf < was.AsOf):
			tb.Fatalf("%s: a reading of %d, %d after one of %d, %d", key, r.Version, r.AsOf, was.Version, was.AsOf)
		case r.Kept != 0 && (was == nil || numbers(r) != numbers(was)):
			tb.Fatalf("%s: kept is %s, but what was seen is %v", key, numbers(r), was)
		case r.Kept == 0 && was != nil && numbers(r) == numbers(was) && !blank(r):
			tb.Fatalf("%s: given again without a change: %s", key, numbers(r))
		}
		w[key] = r
	}) {
	}
	return n
}

// clone is a reading that stays as it is.
func clone(tb testing.TB, r *row.Reading) *row.Reading {
	tb.Helper()
	c, err := row.Decode(row.Append(nil, r))
	if err != nil {
		tb.Fatal(err)
	}
	return c.(*row.Reading)
}

func numbers(r *row.Reading) string {
	var b strings.Builder
	for _, w := range r.Windows {
		fmt.Fprintf(&b, "%s %v; ", w.Name, w.Numbers)
	}
	return b.String()
}

func blank(r *row.Reading) bool {
	for _, w := range r.Windows {
		for _, n := range w.Numbers {
			if n.Value != 0 {
				return false
			}
		}
	}
	return true
}

func step(tb testing.TB, b *board.Board, from int64, records [][]byte) {
	tb.Helper()
	for i, r := range records {
		if err := b.Step(from+int64(i), r); err != nil {
			tb.Fatal(err)
		}
	}
}

// TestReadingsAreTheSumOfFacts compares what a wall shows in the end with naive
// sums over the facts, for every window, scope and choice of dimensions.
func TestReadingsAreTheSumOfFacts(t *testing.T) {
	s := set(t)
	for seed := range uint64(50) {
		f := draw(t, s, seed, 1)
		b, seen := board.New(config(s)), wall{}
		rnd := rand.New(rand.NewPCG(seed, 8))
		for i, r := range f.records {
			step(t, b, int64(i), [][]byte{r})
			if rnd.IntN(20) == 0 {
				seen.take(t, b)
			}
		}
		seen.take(t, b)
		o := newOracle(s, f)
		if now, ok := b.Clock(); !ok || now != o.now {
			t.Fatalf("seed %d: the clock is %d, should be %d", seed, now, o.now)
		}
		if err := o.check(seen); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
}

// TestOrderDoesNotMatter lets the same rows come in any order, some again, and
// to a board that is asked once: it shows what one shows that was asked all the
// time.
func TestOrderDoesNotMatter(t *testing.T) {
	s := set(t)
	for seed := range uint64(20) {
		f := draw(t, s, seed, 1)
		rnd := rand.New(rand.NewPCG(seed, 9))
		first, seen := board.New(config(s)), wall{}
		for i, r := range f.records {
			step(t, first, int64(i), [][]byte{r})
			if rnd.IntN(9) == 0 {
				seen.take(t, first)
			}
		}
		// The successor of an owner that died begins anew, and what the log
		// holds twice is no other record.
		again := rnd.IntN(len(f.records))
		step(t, first, int64(again), f.records[again:])
		seen.take(t, first)
		shuffled := slices.Clone(f.records)
		shuffled = append(shuffled, f.records[:len(f.records)/3]...)
		rnd.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		second, other := board.New(config(s)), wall{}
		step(t, second, 0, shuffled)
		other.take(t, second)
		for key, r := range other {
			if seen[key] == nil || numbers(seen[key]) != numbers(r) {
				t.Fatalf("seed %d: %s: %s in another order, was %v", seed, key, numbers(r), seen[key])
			}
		}
		for key, r := range seen {
			if other[key] == nil && !blank(r) {
				t.Fatalf("seed %d: %s is missing in another order: %s", seed, key, numbers(r))
			}
		}
	}
}

// TestNewComputation lets tasks begin anew under other definitions: what they
// wrote before counts no more, and nothing is shown before they have come as
// far again.
func TestNewComputation(t *testing.T) {
	s := set(t)
	f := draw(t, s, 3, 1)
	again := draw(t, s, 4, 2)
	for seed := uint64(5); clockOf(again) <= clockOf(f); seed++ {
		again = draw(t, s, seed, 2)
	}
	b, seen := board.New(config(s)), wall{}
	step(t, b, 0, f.records)
	seen.take(t, b)
	shown := int64(len(f.records))
	for i, r := range again.records[:len(again.records)-1] {
		step(t, b, shown+int64(i), [][]byte{r})
		if now, ok := b.Clock(); (!ok || now < clockOf(f)) && seen.take(t, b) > 0 {
			t.Fatalf("record %d: something is shown while all is computed anew", i)
		}
	}
	step(t, b, shown+int64(len(again.records)), again.records[len(again.records)-1:])
	step(t, b, shown+int64(len(again.records)), f.records) // a dead owner writes on
	seen.take(t, b)
	if err := newOracle(s, again).check(seen); err != nil {
		t.Fatal(err)
	}
}

func clockOf(f *flow) int64 {
	now := int64(math.MaxInt64)
	for _, c := range f.clocks {
		now = min(now, c)
	}
	return now / 1000 * 1000
}

// progress tells the clocks of all tasks.
func progress(now, position int64) [][]byte {
	var out [][]byte
	for p := range int32(tasks) {
		out = append(out, row.Append(nil, &row.Progress{Place: row.Place{Epoch: 1, Partition: p}, Position: position, Now: now, State: row.Open}))
	}
	return out
}

const noon = int64(1_700_049_600_000) // 2023-11-15 12:00:00 UTC

// offered is one row of a pane that counts queue segments.
func offered(s *kpi.Set, grain int32, bucket int64, n, version int64, dims ...string) []byte {
	part := s.Measures("queue_segment")[slices.IndexFunc(s.Measures("queue_segment"), func(m *kpi.Measure) bool {
		return m.Op == kpi.Count && len(m.Where) == 0
	})].Parts()[0].ID
	return row.Append(nil, &row.Pane{
		Place: row.Place{Tenant: "t", Epoch: 1}, Family: "queue_segment", Grain: grain, Bucket: bucket, Dims: dims,
		Version: version, Cells: []row.Cell{{Part: part, Value: n}},
	})
}

func (w wall) value(kpi string, dims []string, window string) float64 {
	scope := [][]string{nil, {"queue"}, {"queue", "channel"}}[len(dims)]
	r := w[fmt.Sprint("t", kpi, scope, dims)]
	if r == nil {
		return math.NaN()
	}
	for _, x := range r.Windows {
		for _, n := range x.Numbers {
			if x.Name == window && n.Name == "value" {
				return n.Value
			}
		}
	}
	return math.NaN()
}

// TestWindowsRoll follows one contact through every window and out of them.
func TestWindowsRoll(t *testing.T) {
	s := set(t)
	b, seen := board.New(config(s)), wall{}
	step(t, b, 0, [][]byte{offered(s, 60, noon, 1, 1, "q", "voice"), offered(s, 900, noon, 1, 1, "q", "voice")})
	if seen.take(t, b); len(seen) != 0 {
		t.Fatal("a reading before any clock")
	}
	step(t, b, 2, progress(noon+30_000, 1)[1:])
	if seen.take(t, b); len(seen) != 0 {
		t.Fatal("a reading before every clock")
	}
	leaves := map[string]int64{"1m": 1, "5m": 5, "15m": 15, "30m": 30, "60m": 60, board.Today: 10*60 + 30}
	for minute := range int64(11 * 60) {
		step(t, b, 10+minute, progress(noon+minute*60_000+500, 2+minute))
		given := seen.take(t, b)
		for name, until := range leaves {
			want := 0.0
			if minute < until {
				want = 1
			}
			if got := seen.value("offered", []string{"q"}, name); got != want {
				t.Fatalf("minute %d: %s is %g, want %g", minute, name, got, want)
			}
		}
		if minute > leaves[board.Today] && given != 0 {
			t.Fatalf("minute %d: %d readings of what was forgotten", minute, given)
		}
		if 0 < minute && minute <= leaves[board.Today] {
			if r := seen[fmt.Sprint("t", "offered", []string{}, []string{})]; minute == 59 && r.Kept != noon+58*60_000 {
				t.Fatalf("minute %d: the newest is kept for %d: %+v", minute, r.Kept, r)
			}
		}
	}
	if !blank(seen[fmt.Sprint("t", "offered", []string{"queue"}, []string{"q"})]) {
		t.Error("what is forgotten was not given empty")
	}
}

// TestSince begins a board in the middle of a day whose morning is gone.
func TestSince(t *testing.T) {
	s := set(t)
	c := config(s)
	c.Since = noon - 1_000_000
	b, seen := board.New(c), wall{}
	step(t, b, 0, append(progress(noon, 1),
		offered(s, 900, noon-1_800_000, 5, 1, "q", "voice"), offered(s, 900, noon-900_000, 3, 1, "q", "voice"),
		offered(s, 60, noon-1_020_000, 7, 1, "q", "voice"), offered(s, 60, noon-960_000, 2, 1, "q", "voice")))
	seen.take(t, b)
	r := seen[fmt.Sprint("t", "offered", []string{}, []string{})]
	if got := seen.value("offered", nil, board.Today); got != 3 || r.Windows[5].From != noon-900_000 {
		t.Errorf("today is %g since %d", got, r.Windows[5].From)
	}
	if got := seen.value("offered", nil, "60m"); got != 2 || r.Windows[4].From != noon-960_000 {
		t.Errorf("the last hour is %g since %d", got, r.Windows[4].From)
	}
	b.Since(0)
	seen.take(t, b)
	if got := seen.value("offered", nil, board.Today); got != 8 {
		t.Errorf("today is %g when all has come", got)
	}
}

// TestManyTakeTurns lets more queues than are shown at once change all the time:
// what changed is shown before what only the clock has changed, and the end of a
// minute is passed all the same.
func TestManyTakeTurns(t *testing.T) {
	const queues = 1_000
	s := set(t)
	b, seen := board.New(config(s)), wall{}
	version := int64(0)
	change := func(from, to int, bucket int64) {
		for q := from; q < to; q++ {
			version++
			step(t, b, version, [][]byte{offered(s, 60, bucket, version, version, fmt.Sprint("q", q), "voice")})
		}
	}
	step(t, b, 0, progress(noon, 1))
	change(0, queues, noon)
	seen.take(t, b)
	for i := range int64(5) {
		step(t, b, version, progress(noon+1000+i*1000, 2+i))
		changed := int(i) * 150
		change(changed, changed+1, noon)
		b.Readings(func(r *row.Reading) { seen[fmt.Sprint(r.Tenant, r.KPI, r.Scope, r.Dims)] = clone(t, r) })
		if got := seen.value("offered", []string{fmt.Sprint("q", changed)}, "1m"); got != float64(version) {
			t.Fatalf("queue %d is shown with %g, want %d", changed, got, version)
		}
	}
	step(t, b, version, progress(noon+60_000, 10))
	calls := 0
	for again := true; again; again = b.Turning() {
		if calls++; calls > 20 {
			t.Fatal("the windows have not moved over the end of the minute")
		}
		change(0, queues, noon+60_000)
		b.Readings(func(*row.Reading) {})
	}
	seen.take(t, b)
	if all := seen.value("offered", nil, "5m"); all < queues {
		t.Errorf("%g are offered", all)
	}
}

// TestGroupsAreBounded counts what is above the bound among the rest, and
// corrects it there.
func TestGroupsAreBounded(t *testing.T) {
	s := set(t)
	b, seen := board.New(config(s)), wall{}
	step(t, b, 0, progress(noon, 1))
	for i := range board.MaxGroups + 50 {
		step(t, b, 10, [][]byte{offered(s, 60, noon, 1, 1, fmt.Sprint("q", i), "voice")})
	}
	seen.take(t, b)
	rest := []string{pane.Other, pane.Other}
	if all, some := seen.value("offered", nil, "1m"), seen.value("offered", rest, "1m"); all != board.MaxGroups+50 || some != 50 {
		t.Fatalf("%g are offered, of them %g to the rest", all, some)
	}
	step(t, b, 10, [][]byte{offered(s, 60, noon, 3, 2, fmt.Sprint("q", board.MaxGroups+7), "voice")})
	seen.take(t, b)
	if all, some := seen.value("offered", nil, "1m"), seen.value("offered", rest, "1m"); all != board.MaxGroups+52 || some != 52 {
		t.Fatalf("after a correction %g are offered, of them %g to the rest", all, some)
	}
}

func TestMalformed(t *testing.T) {
	b := board.New(config(set(t)))
	if err := b.Step(4, []byte{0xff}); err == nil || b.Offset() != -1 {
		t.Errorf("error %v, offset %d", err, b.Offset())
	}
}

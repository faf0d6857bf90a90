package alert_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/nabz/nabz/pkg/alert"
	"github.com/nabz/nabz/pkg/row"
)

const second = int64(1000)

func low() *alert.Rules {
	return &alert.Rules{Rules: []*alert.Rule{
		{
			Name: "low", KPI: "service_level", Number: "value", Window: "15m", By: []string{"queue"}, Severity: alert.Page, MinCount: 5, NoDataMs: 120 * second,
			Enter: &alert.Bound{Below: true, X: 0.8, ForMs: 60 * second}, Leave: &alert.Bound{X: 0.83, ForMs: 120 * second},
		},
		{Name: "missing", KPI: "service_level", Number: "value", Window: "15m", By: []string{"queue"}, Severity: alert.Ticket, NoDataMs: 300 * second},
	}}
}

func reading(queue string, value float64, known bool, at int64) *row.Reading {
	x := &row.Reading{Place: row.Place{Tenant: "t", Epoch: 1}, KPI: "service_level", Scope: []string{"queue"}, Dims: []string{queue}, AsOf: at}
	numbers := []row.Number{{Name: "count", Value: 20}}
	if known {
		numbers = append(numbers, row.Number{Name: "value", Value: value})
	}
	x.Windows = []row.Window{{Name: "15m", Numbers: numbers}}
	return x
}

// board is one life after another of what steps the rules; log is what they
// said.
type board struct {
	set   *alert.Set
	again int64
	log   []spoken
}

type spoken struct {
	at int64
	v  row.Verdict
}

func (b *board) say(at int64) func(*row.Verdict) {
	return func(v *row.Verdict) { b.log = append(b.log, spoken{at, *v}) }
}

// begin is the birth of a successor, whose predecessor wrote last at died.
func (b *board) begin(died, at int64) {
	b.set, b.again = alert.NewSet(low()), 0
	for i := range b.log {
		if b.log[i].at >= died-alert.Tail {
			v := b.log[i].v
			b.set.Recall(&v)
		}
	}
	b.set.Again(0, b.say(at))
}

func (b *board) tick(now int64) {
	b.set.Tick(now, now, b.say(now))
	if now-b.again >= alert.SayAgain {
		b.again = now
		b.set.Again(now, b.say(now))
	}
}

// episodes holds the law: until an episode is said to be over there is no other
// of its group, and what was said of it again is what was said first. It gives
// what is open at the end, and how many there were.
func episodes(t *testing.T, seed uint64, log []spoken) (open map[string]int64, all int) {
	t.Helper()
	open = map[string]int64{}
	for _, s := range log {
		group := s.v.Policy + "/" + s.v.Item
		episode, is := open[group]
		switch s.v.State {
		case row.Breached, row.NoData:
			if is && episode != s.v.Episode {
				t.Fatalf("seed %d: %s: a second episode of %d at %d, while that of %d is open", seed, group, s.v.Episode, s.at, episode)
			}
			if !is {
				all++
			}
			open[group] = s.v.Episode
		case row.Met, row.MetLate:
			if is && (episode != s.v.Episode || s.v.State != row.MetLate) {
				t.Fatalf("seed %d: %s: %s of the episode %d ends that of %d", seed, group, s.v.State, s.v.Episode, episode)
			}
			delete(open, group)
		}
	}
	return open, all
}

// TestEpisodesGoOnThroughDeaths kills boards at any moment, sometimes for hours:
// what was open goes on under its name, and ends once.
func TestEpisodesGoOnThroughDeaths(t *testing.T) {
	total, deaths := 0, 0
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 7))
		b := &board{set: alert.NewSet(low())}
		now := 1_000_000 * second
		values := map[string]float64{"a": 0.9, "b": 0.9, "c": 0.9}
		known := map[string]bool{"a": true, "b": true, "c": true}
		for range 3000 {
			now += 200 + r.Int64N(2*second)
			q := string(rune('a' + r.IntN(3)))
			if r.IntN(20) == 0 {
				values[q], known[q] = []float64{0.5, 0.79, 0.81, 0.9}[r.IntN(4)], r.IntN(8) > 0
			}
			if r.IntN(120) == 0 {
				deaths++
				died := now
				if r.IntN(4) == 0 {
					now += r.Int64N(5 * 3600 * second)
				}
				b.begin(died, now)
			}
			for q, v := range values {
				b.set.Take(reading(q, v, known[q], now))
			}
			b.tick(now)
		}
		for range 300 {
			now += second
			for q := range values {
				b.set.Take(reading(q, 0.95, true, now))
			}
			b.tick(now)
		}
		open, all := episodes(t, seed, b.log)
		if len(open) > 0 {
			t.Fatalf("seed %d: still open when all has been well for five minutes: %v", seed, open)
		}
		total += all
	}
	if total < 1000 || deaths < 1000 {
		t.Errorf("only %d episodes and %d deaths: the test says little", total, deaths)
	}
	t.Logf("%d episodes through %d deaths", total, deaths)
}

// TestRecallTakesItsOwn lets by what no rule of today has said.
func TestRecallTakesItsOwn(t *testing.T) {
	said := row.Verdict{Place: row.Place{Tenant: "t", Epoch: 1}, Policy: "low", Kind: row.Threshold, Item: "a", Episode: 5, State: row.Breached, Version: 9,
		Labels: []row.Label{{Name: "queue", Value: "a"}}}
	f := func(name string, want int, change func(*row.Verdict)) {
		t.Helper()
		v, s, n := said, alert.NewSet(low()), 0
		v.Labels = append([]row.Label(nil), said.Labels...)
		change(&v)
		s.Recall(&v)
		s.Again(20, func(x *row.Verdict) {
			n++
			if x.Version != 20 || x.Episode != 5 {
				t.Errorf("%s: said again %s", name, fmt.Sprintf("%+v", *x))
			}
		})
		if n != want {
			t.Errorf("%s: %d are open, want %d", name, n, want)
		}
	}
	f("its own", 1, func(*row.Verdict) {})
	f("over", 0, func(v *row.Verdict) { v.State = row.MetLate })
	f("a deadline", 0, func(v *row.Verdict) { v.Kind = row.Deadline })
	f("a history", 0, func(v *row.Verdict) { v.Feed = "f" })
	f("a rule that is gone", 0, func(v *row.Verdict) { v.Policy = "high" })
	f("a rule by another dimension", 0, func(v *row.Verdict) { v.Labels[0].Name = "channel" })
}

package schemas_test

import (
	"flag"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/row"
	"github.com/nabz/nabz/pkg/sla"
	"github.com/nabz/nabz/schemas"
)

var centers = flag.Int("centers", 40, "simulated days of TestWarningsHeldAgainstWhatCame")

// TestWarningsHeldAgainstWhatCame holds the warnings of the shipped policy of
// waits against how the waits ended: of the breaches, how many were warned of at
// least a fifth of the target ahead, and of the waits that were warned of, how
// many were no breach. What a share of the time says follows from how long people
// wait, so the center is one that has too few agents at noon: calls come by
// chance, are answered in their order, and some give up.
func TestWarningsHeldAgainstWhatCame(t *testing.T) {
	h := newHouse(t)
	all, err := sla.Load(schemas.Deadlines(), h.families, h.waits(t))
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(all.Policies, func(p *sla.Policy) bool { return p.Name == "queue_wait" })
	if i < 0 {
		t.Fatal("no policy queue_wait")
	}
	p := all.Policies[i]
	counts := make([]warnings, len(p.Warn))
	waits := 0
	for seed := range uint64(*centers) {
		for n, ms := range calls(seed) {
			waits++
			for i := range counts {
				counts[i].hold(p, p.Warn[i], ms, int64(n)%pulse)
			}
		}
	}
	for i, c := range counts {
		recall, wrong := c.ahead/c.breaches, 1-c.right/c.warned
		t.Logf("warnings at %.0f %%: %d waits of %d simulated days, %.0f breaches, %.0f warned of, %.1f %% of the breaches a fifth of the target ahead, %.1f %% of the warnings false",
			100*p.Warn[i], waits, *centers, c.breaches, c.warned, 100*recall, 100*wrong)
		// Silence is evidence: whoever stands there too long was at risk before,
		// and the clock passed in between.
		if c.breaches < 100 || c.right != c.breaches || i == 0 && c.ahead != c.breaches {
			t.Errorf("%.0f breaches: %.0f were warned of, %.0f a fifth of the target ahead", c.breaches, c.right, c.ahead)
		}
		if i > 0 && wrong > 1-counts[i-1].right/counts[i-1].warned {
			t.Error("a later warning is false more often")
		}
	}
}

// warnings counts those of one share.
type warnings struct{ breaches, warned, right, ahead float64 }

// pulse is how often a clock passes, ms.
const pulse = 1000

// hold lets a wait of so many ms pass under the policy's eyes. The first clock
// passes phase ms behind its beginning.
func (c *warnings) hold(p *sla.Policy, share float64, ms, phase int64) {
	f := &fact.Fact{Family: p.Of, Values: make([]fact.Value, len(p.Of.Columns))}
	f.Values[p.From] = fact.Value{Set: true, Int: 0}
	f.Values[p.Of.Column("outcome")] = fact.Value{Set: true, Text: "waiting"}
	first := int64(-1)
	breached := false
	target := int64(0)
	for now := phase; now < ms && !breached; now += pulse {
		d := p.Decide(f, now)
		target = d.Target
		if d.State == row.AtRisk && d.Warned >= share && first < 0 {
			first = now
		}
		breached = d.State == row.Breached
	}
	f.Values[p.To] = fact.Value{Set: true, Int: ms}
	breached = p.Decide(f, ms).State != row.Met
	if breached {
		c.breaches++
	}
	if first >= 0 {
		c.warned++
		if breached {
			c.right++
		}
		if breached && target-first >= target/5 {
			c.ahead++
		}
	}
}

// calls simulates the calls of a day in a queue and gives how long each waited,
// ms: twelve agents, calls of 4 minutes at the mean, 120 an hour and at noon
// 210, and a patience of 3 minutes at the mean.
func calls(seed uint64) (waits []int64) {
	const agents, talk, patience = 12, 240_000.0, 180_000.0
	r := rand.New(rand.NewPCG(seed, 0x5ca1e))
	free := make([]float64, agents) // when each agent is free
	at := 8 * 3_600_000.0
	for at < 18*3_600_000 {
		rush := math.Exp(-math.Pow(at/3_600_000-12.5, 2))
		at += r.ExpFloat64() * 3_600_000 / (120 + 90*rush)
		i := 0
		for j := range free {
			if free[j] < free[i] {
				i = j
			}
		}
		begin := max(at, free[i])
		if gives := r.ExpFloat64() * patience; gives < begin-at {
			waits = append(waits, int64(gives))
			continue
		}
		free[i] = begin + r.ExpFloat64()*talk
		waits = append(waits, int64(begin-at))
	}
	return waits
}

package sim

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/record"
)

var (
	seedCount = flag.Int("seeds", 2000, "how many seeds to run")
	fromSeed  = flag.Int("from", 1, "the first seed to run")
	oneSeed   = flag.Int("seed", 0, "run only this seed")
)

// TestSeeds runs histories and accidents from seeds.
//
// A failure prints the command that replays it.
func TestSeeds(t *testing.T) {
	declared := declaredKinds(t)
	from, to := *fromSeed, *fromSeed+*seedCount-1
	if *oneSeed != 0 {
		from, to = *oneSeed, *oneSeed
	}
	for seed := from; seed <= to; seed++ {
		if n := seed - from; n > 0 && n%1000 == 0 {
			t.Logf("%d of %d seeds", n, to-from+1)
		}
		if err := runSeed(uint64(seed), declared); err != nil {
			t.Fatalf("seed %d: %v\nreplay: go test ./pkg/sim -run TestSeeds -seed=%d", seed, err, seed)
		}
	}
}

func runSeed(seed uint64, declared *record.Kind) error {
	rnd, more := rand.New(rand.NewPCG(seed, 1)), rand.New(rand.NewPCG(seed, 2))
	trouble := draw(rnd)
	w := &world{rnd: rnd, trouble: trouble, store: NewStore(), plan: func(definitions int) Plan {
		p := newPlan(0, definitions)
		p.add(declared)
		return p
	}}
	w.log = newHistory(rnd, trouble, more)
	if more.IntN(2) == 0 {
		w.changes = more
	}
	last, err := w.run()
	if err != nil {
		return err
	}
	if err := w.checkEpochs(last.owner.Task()); err != nil {
		return fmt.Errorf("computations: %w", err)
	}
	plan := w.plan(w.defs)
	plan.Config.Epoch = last.owner.Task().Epoch()
	got := w.store.in(plan.Config.Epoch)
	want, err := Clean(plan.Config, bytes(w.log))
	if err != nil {
		return fmt.Errorf("without accidents: %w", err)
	}
	if err := Same(got, want); err != nil {
		return fmt.Errorf("accidents change rows: %w", err)
	}
	if err := check(plan, w.log, got); err != nil {
		return fmt.Errorf("against the oracle: %w", err)
	}
	return nil
}

// customers is a kind that is declared: each thing done, a life, and visits with
// gaps between them.
const customers = `
kind: customer
doc: d
families:
  payment:
    view: v
    doc: d
    each: [order.paid, order.refunded]
    columns:
      - {number: 1, name: who, is: item, doc: d}
      - {number: 2, name: at, is: opened, doc: d}
      - {number: 3, name: nth, is: nth, doc: d}
      - {number: 4, name: since, is: since_previous, doc: d}
  course:
    view: v
    doc: d
    life: [order.created, order.paid]
    columns:
      - {number: 1, name: since, is: opened, doc: d}
      - {number: 2, name: count, count: any, doc: d}
      - {number: 3, name: back_at, last_at: [order.refunded], doc: d}
  visit:
    view: v
    doc: d
    gap: {after: 2m, types: [web.page_view], per: []}
    columns:
      - {number: 1, name: since, is: opened, doc: d}
      - {number: 2, name: pages, count: [web.page_view], doc: d}
      - {number: 3, name: ended_at, last_at: any, doc: d}
`

func declaredKinds(t *testing.T) *record.Kind {
	t.Helper()
	c, err := event.ParseCatalogue(os.DirFS("../../schemas/events"))
	if err != nil {
		t.Fatal(err)
	}
	k, err := record.Parse("customer.yaml", []byte(customers), c)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func bytes(log []Record) [][]byte {
	var out [][]byte
	for i := range log {
		out = append(out, log[i].Bytes)
	}
	return out
}

package sim

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
)

var (
	seedCount = flag.Int("seeds", 1000, "how many seeds to run")
	oneSeed   = flag.Int("seed", 0, "run only this seed")
)

// TestSeeds runs histories and accidents from seeds.
//
// A failure prints the command that replays it.
func TestSeeds(t *testing.T) {
	from, to := 1, *seedCount
	if *oneSeed != 0 {
		from, to = *oneSeed, *oneSeed
	}
	for seed := from; seed <= to; seed++ {
		if err := runSeed(uint64(seed)); err != nil {
			t.Fatalf("seed %d: %v\nreplay: go test ./pkg/sim -run TestSeeds -seed=%d", seed, err, seed)
		}
	}
}

func runSeed(seed uint64) error {
	rnd := rand.New(rand.NewPCG(seed, 1))
	trouble := draw(rnd)
	log := newHistory(rnd, trouble)
	got, err := run(rnd, trouble, log)
	if err != nil {
		return err
	}
	want, err := Clean(NewPlan(0).Config, bytes(log))
	if err != nil {
		return fmt.Errorf("without accidents: %w", err)
	}
	if err := Same(got, want); err != nil {
		return fmt.Errorf("accidents change rows: %w", err)
	}
	if err := check(NewPlan(0), log, got); err != nil {
		return fmt.Errorf("against the oracle: %w", err)
	}
	return nil
}

func bytes(log []Record) [][]byte {
	var out [][]byte
	for i := range log {
		out = append(out, log[i].Bytes)
	}
	return out
}

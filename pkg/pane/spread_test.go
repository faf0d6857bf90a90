package pane

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestExtreme draws values that come and go: while no more than the tops were
// ever there at once the greatest is told exactly, and it is never too low.
func TestExtreme(t *testing.T) {
	for seed := range uint64(500) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		var x extreme
		var live []int64
		most := 0
		for range 100 {
			if len(live) > 0 && rnd.IntN(5) < 2 {
				i := rnd.IntN(len(live))
				x.out(live[i])
				live = slices.Delete(live, i, i+1)
			} else {
				v := 1 + rnd.Int64N(30)
				x.in(v)
				live = append(live, v)
			}
			most = max(most, len(live))
			want := int64(0)
			if len(live) > 0 {
				want = slices.Max(live)
			}
			if got := x.greatest(); got < want || got != want && most <= maxTops {
				t.Fatalf("seed %d: the greatest of %v is %d, should be %d", seed, live, got, want)
			}
		}
	}
}

// TestExtremeIsBounded shows what many corrections of one pane come to.
func TestExtremeIsBounded(t *testing.T) {
	var x extreme
	for v := int64(1); v <= 100; v++ {
		x.in(v)
	}
	if len(x.tops) != maxTops || x.greatest() != 100 {
		t.Fatalf("%d tops, greatest %d", len(x.tops), x.greatest())
	}
	for v := int64(100); v > 84; v-- {
		x.out(v)
	}
	if got := fmt.Sprint(x.tops, x.greatest()); got != "[] 84" {
		t.Errorf("after sixteen corrections: %s", got)
	}
	x.out(84) // it was left out: nobody knows the next
	if x.greatest() != 84 {
		t.Errorf("the greatest is %d", x.greatest())
	}
}

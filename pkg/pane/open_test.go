package pane

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestBegins holds the list with its gaps against a plain one.
func TestBegins(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		var b begins
		var plain []int64
		for range 300 {
			at := r.Int64N(40) + 1
			switch {
			case r.IntN(2) == 0 || len(plain) == 0:
				b.add(at)
				plain = append(plain, at)
			default:
				if r.IntN(4) > 0 {
					at = plain[r.IntN(len(plain))]
				}
				b.remove(at)
				if i := slices.Index(plain, at); i >= 0 {
					plain = slices.Delete(plain, i, i+1)
				}
			}
			compareBegins(t, seed, &b, plain, r.Int64N(42))
		}
	}
}

func compareBegins(t *testing.T, seed uint64, b *begins, plain []int64, at int64) {
	t.Helper()
	var oldest, until, n, sum, wantSum int64
	for _, x := range plain {
		if x < at && (oldest == 0 || x < oldest) {
			oldest = x
		}
		if x <= at {
			until++
		} else {
			n++
			wantSum += x
		}
	}
	got := b.after(at, func(x begin) { n -= x.n; sum += x.n * x.at })
	if b.oldest(at) != oldest || got != until || n != 0 || sum != wantSum || b.n != int64(len(plain)) {
		t.Fatalf("seed %d, at %d of %v: oldest %d, %d not after it, sum of the others %d; want %d, %d, %d", seed, at, plain, b.oldest(at), got, sum, oldest, until, wantSum)
	}
}

package calendar

import (
	"math/rand/v2"
	"os"
	"testing"
)

// shipped is the calendar of Iran, with its holidays and its summer times.
func shipped(b *testing.B) *Timetable {
	b.Helper()
	set, err := Load(os.DirFS("../../schemas/calendar"), zones(b))
	if err != nil {
		b.Fatal(err)
	}
	c, ok := set.Get("iran_support")
	if !ok {
		b.Fatal("no calendar iran_support")
	}
	return c.AsOf(ever)
}

// instants are drawn beforehand, so that no cache knows the next.
func instants() (out [4096]int64) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for i := range out {
		out[i] = rnd.Int64N(horizon - 800*day)
	}
	return out
}

// BenchmarkElapsed measures spans of a year.
func BenchmarkElapsed(b *testing.B) {
	t, all, sum, i := shipped(b), instants(), int64(0), 0
	b.ReportAllocs()
	for b.Loop() {
		at := all[i&4095]
		sum += t.Elapsed(at, at+365*day)
		i++
	}
	if sum == 0 {
		b.Fatal("never open")
	}
}

// BenchmarkAdd measures due times about a year ahead.
func BenchmarkAdd(b *testing.B) {
	t, all, i := shipped(b), instants(), 0
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := t.Add(all[i&4095], 2500*3_600_000); !ok {
			b.Fatal("never due")
		}
		i++
	}
}

func BenchmarkIsOpen(b *testing.B) {
	t, all, open, i := shipped(b), instants(), 0, 0
	b.ReportAllocs()
	for b.Loop() {
		if t.IsOpen(all[i&4095]) {
			open++
		}
		i++
	}
	if open == 0 {
		b.Fatal("never open")
	}
}

func BenchmarkBucket(b *testing.B) {
	t, all, i := shipped(b), instants(), 0
	b.ReportAllocs()
	for b.Loop() {
		if from, to := t.Bucket(all[i&4095], JalaliMonth); from >= to {
			b.Fatal("an empty month")
		}
		i++
	}
}

func BenchmarkParse(b *testing.B) {
	tree := zones(b)
	text, err := os.ReadFile("../../schemas/calendar/europe_example.yaml")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse("x.yaml", "x", text, tree); err != nil {
			b.Fatal(err)
		}
	}
}

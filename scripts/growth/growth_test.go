package main

import (
	"bytes"
	"math"
	"os"
	"testing"
)

// TestPageIsOfItsFactors makes the page anew: figures that are measured anew are
// in it.
func TestPageIsOfItsFactors(t *testing.T) {
	m, err := read("../../docs")
	if err != nil {
		t.Fatal(err)
	}
	want, err := render(m, defaults())
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../docs/growth.md")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("docs/growth.md is not what its factors give: go run ./scripts/growth")
	}
}

// TestTwiceIsTwice doubles the rate: all that divides doubles, but for what is
// rounded up to whole cores.
func TestTwiceIsTwice(t *testing.T) {
	m, err := read("../../docs")
	if err != nil {
		t.Fatal(err)
	}
	a := defaults()
	one := plan(m, a)
	a.Rate *= 2
	two := plan(m, a)
	for name, pair := range map[string][2]float64{
		"partitions": {one.Partitions, two.Partitions}, "cores": {one.Cores, two.Cores}, "open items": {one.OpenItems, two.OpenItems},
		"MB/s": {one.KafkaMB, two.KafkaMB}, "rows": {one.Rows, two.Rows}, "stored": {one.StoredTB, two.StoredTB}, "log": {one.LogTB, two.LogTB},
	} {
		if got := pair[1] / pair[0]; math.Abs(got-2) > 0.05 {
			t.Errorf("twice the rate takes %.3f times the %s", got, name)
		}
	}
}

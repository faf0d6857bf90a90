package calendar

import (
	"archive/zip"
	"bufio"
	"bytes"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// zones opens the zones that are part of the binary.
func zones(t testing.TB) fs.FS {
	t.Helper()
	r, err := zip.OpenReader("../../schemas/calendar/zoneinfo.zip")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func zone(t testing.TB, name string) *Zone {
	t.Helper()
	z, err := LoadZone(zones(t), name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// icu asks Node's copy of ICU, which knows nothing of our code or our zones.
func icu(t *testing.T, what, in string) []string {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skipf("MISSING: there is no node here, so %s are compared with nothing independent: %v", what, err)
	}
	cmd := exec.CommandContext(t.Context(), node, "testdata/icu.mjs", what)
	cmd.Stdin = strings.NewReader(in)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("run node: %v", err)
	}
	var lines []string
	for s := bufio.NewScanner(bytes.NewReader(out)); s.Scan(); {
		lines = append(lines, s.Text())
	}
	return lines
}

// TestJalaliAgainstICU compares every day from 1990 to 2050.
func TestJalaliAgainstICU(t *testing.T) {
	lines := icu(t, "jalali", "")
	if len(lines) != 22280 {
		t.Fatalf("got %d days, want 22280", len(lines))
	}
	for _, line := range lines {
		var n int64
		var want Date
		if _, err := fmt.Sscan(line, &n, &want.Year, &want.Month, &want.Day); err != nil {
			t.Fatal(err)
		}
		if got := Jalali(n); got != want {
			t.Fatalf("day %d is %v, ICU says %v", n, got, want)
		}
		if back, ok := JalaliDay(want); !ok || back != n {
			t.Fatalf("%v is day %d (%v), ICU says %d", want, back, ok, n)
		}
	}
}

// TestOffsetsAgainstICU compares twenty zones at instants from 1990 to 2037,
// half of them within hours of a change of clocks.
func TestOffsetsAgainstICU(t *testing.T) {
	names := []string{
		"Asia/Tehran", "Europe/Berlin", "Europe/London", "Europe/Moscow", "Europe/Istanbul", "America/New_York",
		"America/Los_Angeles", "America/Sao_Paulo", "America/St_Johns", "America/Caracas", "Asia/Kolkata", "Asia/Kathmandu",
		"Asia/Tokyo", "Asia/Pyongyang", "Asia/Dubai", "Australia/Lord_Howe", "Australia/Adelaide", "Pacific/Apia",
		"Pacific/Auckland", "Africa/Casablanca", "Africa/Cairo", "UTC",
	}
	from, to := time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli(), time.Date(2038, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
	rnd := rand.New(rand.NewPCG(1990, 2037))
	var in strings.Builder
	all := map[string]*Zone{}
	for _, name := range names {
		z := zone(t, name)
		all[name] = z
		for i := range 1000 {
			at := from + rnd.Int64N(to-from)
			if i%2 == 0 && len(z.at) > 1 {
				at = z.at[1+rnd.IntN(len(z.at)-1)] + rnd.Int64N(7_200_000) - 3_600_000
			}
			if at >= from && at < to {
				fmt.Fprintf(&in, "%s %d\n", name, at/1000*1000)
			}
		}
	}
	lines := icu(t, "offsets", in.String())
	t.Logf("%d instants, ICU has zones of %s", len(lines)-1, lines[0])
	if len(lines) < 12_000 {
		t.Fatalf("got %d instants, want 12000 or more", len(lines))
	}
	for _, line := range lines[1:] {
		var name string
		var at, want int64
		if _, err := fmt.Sscan(line, &name, &at, &want); err != nil {
			t.Fatal(err)
		}
		if got := all[name].Offset(at); got != want {
			t.Errorf("%s at %v: %v, ICU says %v", name, time.UnixMilli(at).UTC(), time.Duration(got)*1e6, time.Duration(want)*1e6)
		}
	}
}

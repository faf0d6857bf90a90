package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestFlat tells what stands from what grows.
func TestFlat(t *testing.T) {
	var still, leaks []vitals
	for n := range 100 {
		still = append(still, vitals{mib: 100 + float64(n%7), files: 30, goroutines: 40 + float64(n%2)})
		leaks = append(leaks, vitals{mib: 100, files: 30, goroutines: 40 + float64(n)/10})
	}
	for i := range still[:30] {
		still[i].mib = float64(i) // to begin with, all grow
	}
	if f := flatness(still); !f.isFlat() || f.MiB != [2]float64{103, 103.1} {
		t.Errorf("what stands is not flat: %+v", f)
	}
	if f := flatness(leaks); f.isFlat() {
		t.Errorf("what leaks is flat: %+v", f)
	}
}

// TestFeedTime lets a load run by another clock.
func TestFeedTime(t *testing.T) {
	l := newLoad(1, 1000, 5*time.Hour, "", "", nil)
	l.speed, l.base, l.began, l.feed = 96, dstMidnight, time.Now(), &feed{name: "day", session: 7}
	if l.step() != 4800*time.Millisecond {
		t.Errorf("a tick takes %v of the feed's time", l.step())
	}
	l.begin(0)
	for _, events := range l.wheel {
		for _, e := range events {
			if off := e.time.Sub(dstMidnight); off < -9*24*time.Hour || off > 10*time.Minute {
				t.Errorf("%s at %v", e.typ, e.time)
			}
			if !strings.Contains(string(e.body), `"feed":"day","feedsession":"7","feedgeneration":"1",`) {
				t.Errorf("it belongs to no feed: %s", e.body)
			}
		}
	}
}

// TestHeat counts the contacts that have the key.
func TestHeat(t *testing.T) {
	hot := 0
	for n := range uint64(1000) {
		events, _ := course(1, n, 0, true)
		if heat("agent", n, events); events[0].tenant == "tenant-0" && events[0].queue == "queue-0" {
			hot++
		}
		for _, e := range events {
			if e.agent == "agent-hot" && e.queue != "queue-0" {
				t.Errorf("%+v", e)
			}
		}
	}
	if hot < 900 || hot > 920 {
		t.Errorf("%d of 1,000 have the key, should be nine of ten and few by chance", hot)
	}
}

// TestReadMetrics adds a metric up over its labels.
func TestReadMetrics(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("# HELP a b\nnabz_processor_partitions 2\nnabz_processor_position{partition=\"3\"} 0\na{p=\"1\"} 2\na{p=\"2\"} 3.5\nab 7\nc 1e+06\n"))
	}))
	defer s.Close()
	got, err := readMetrics(t.Context(), s.URL, "a", "c", "d")
	if err != nil || got[0] != 5.5 || got[1] != 1e6 || got[2] != 0 {
		t.Errorf("%v, %v", got, err)
	}
	if err := consuming(t.Context(), s.URL); err == nil {
		t.Error("one of two partitions is worked on, and all is well")
	}
}

// TestWarningsAreRead reads what the test of warnings says.
func TestWarningsAreRead(t *testing.T) {
	say := func(lines ...string) results {
		return results{Tests: map[string]tried{warnings: {Passed: true, Said: lines}}}
	}
	const line = "warnings_test.go:47: warnings at 50 %: 54503 waits of 40 simulated days, 3155 breaches, 6799 warned of, 100.0 % of the breaches a fifth of the target ahead, 53.6 % of the warnings false"
	if v, text := judgeWarnings(say(line), true); v != missed || text != "at 50 % of the time 100.0 % of the breaches in time, 53.6 % of the warnings false" {
		t.Errorf("%s: %s", v, text)
	}
	if v, _ := judgeWarnings(say(strings.Replace(line, "53.6", "9.6", 1)), true); v != met {
		t.Errorf("what is asked is %s", v)
	}
}

package demo

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// sampleCalls is how many calls a sample has: enough to see every outcome of
// every queue, and below 60 KB.
const sampleCalls = 500

// sampleHeader is that of the public call log of a bank, so that one mapping
// reads both.
const sampleHeader = "vru+line\tcall_id\tcustomer_id\tpriority\ttype\tdate\tvru_entry\tvru_exit\tvru_time\tq_start\tq_exit\tq_time\toutcome\tser_start\tser_exit\tser_time\tserver"

// Sample writes a call log with made-up calls in the form of the bank's: three
// days, local times, by line and not by time, with the oddities of the real
// one: no queue at all, waits over midnight, phantoms, calls without server.
func Sample(out io.Writer, seed uint64) error {
	random := rand.New(rand.NewPCG(seed, 2))
	type logged struct{ line, row string }
	var calls []logged
	day := time.Date(2024, 3, 4, 0, 0, 0, 0, time.UTC)
	for i := range sampleCalls {
		line := fmt.Sprintf("ZZ01%02d", 1+random.IntN(12))
		entry := day.AddDate(0, 0, random.IntN(3)).Add(7*time.Hour + time.Duration(random.IntN(17*3600))*time.Second)
		if i%100 == 7 {
			// The last seconds of a day.
			entry = entry.Truncate(24 * time.Hour).Add(24*time.Hour - time.Duration(1+random.IntN(20))*time.Second)
		}
		calls = append(calls, logged{line, line + "\t" + sampleCall(random, 40_000+i, entry)})
	}
	slices.SortStableFunc(calls, func(a, b logged) int { return strings.Compare(a.line, b.line) })
	w := bufio.NewWriter(out)
	// Errors stay with the writer and are given by Flush.
	fmt.Fprintln(w, sampleHeader)
	for _, c := range calls {
		fmt.Fprintln(w, c.row)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write sample: %w", err)
	}
	return nil
}

func sampleCall(random *rand.Rand, id int, entry time.Time) string {
	kinds := []string{"PS", "PS", "PS", "PS", "PS", "NW", "NW", "NE", "TT", "PE", "IN"}
	servers := []string{"ANNA", "BORIS", "CLARA", "DAVID", "EMMA", "FRANK"}
	seconds := func(mean float64) int { return int(random.ExpFloat64() * mean) }
	customer, priority := 0, 0
	if random.IntN(3) > 0 {
		customer, priority = 10_000_000+random.IntN(90_000_000), 1+random.IntN(2)
	}
	menu := 5 + seconds(5)
	handed := entry.Add(time.Duration(menu) * time.Second)
	wait, queued := 0, random.IntN(5) < 3
	if queued {
		wait = 1 + seconds(60)
	}
	left := handed.Add(time.Duration(wait) * time.Second)
	outcome, server, talk := "AGENT", servers[random.IntN(len(servers))], 5+seconds(180)
	switch {
	case queued && random.IntN(4) == 0:
		outcome, server, talk = "HANG", "NO_SERVER", 0
	case random.IntN(100) == 0:
		outcome, server = "PHANTOM", "NO_SERVER"
	case random.IntN(20) == 0:
		server = "NO_SERVER"
	}
	never := "0:00:00"
	qStart, qExit, serStart, serExit := never, never, never, never
	if queued {
		qStart, qExit = clock(handed), clock(left)
	}
	if talk > 0 {
		serStart, serExit = clock(left), clock(left.Add(time.Duration(talk)*time.Second))
	}
	return fmt.Sprintf("%d\t%d\t%d\t%s\t%s\t%s\t%s\t%d\t%s\t%s\t%d\t%s\t%s\t%s\t%d\t%s",
		id, customer, priority, kinds[random.IntN(len(kinds))], entry.Format("060102"), clock(entry), clock(handed), menu,
		qStart, qExit, wait, outcome, serStart, serExit, talk, server)
}

func clock(t time.Time) string {
	return fmt.Sprintf("%d:%02d:%02d", t.Hour(), t.Minute(), t.Second())
}

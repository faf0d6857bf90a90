package asterisk

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/item"
	"github.com/nabz/nabz/pkg/source"
	"github.com/nabz/nabz/pkg/track/contact"
)

var update = flag.Bool("update", false, "write the expected events anew")

func rowsOf(t *testing.T, file string) []string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
}

// TestRows holds the rows of the fixture to the events written beside them.
func TestRows(t *testing.T) {
	tr := New(Config{Instance: "pbx1"})
	var b strings.Builder
	for i, row := range rowsOf(t, "testdata/queue_log") {
		fmt.Fprintf(&b, "%s\n", row)
		events, err := tr.Row(int64(i), row)
		if err != nil {
			fmt.Fprintf(&b, "    ! %v\n", err)
		}
		for _, e := range events {
			fmt.Fprintf(&b, "    %s %s", time.UnixMilli(e.Time).UTC().Format("2006-01-02T15:04:05.000"), e.Type)
			for _, m := range e.Data {
				if m.Name != "channel" {
					fmt.Fprintf(&b, " %s=%s", m.Name, strings.Trim(m.JSON, `"`))
				}
			}
			b.WriteByte('\n')
		}
	}
	const golden = "testdata/events"
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

// told is an event in one line.
func told(e source.Event) string { return string(e.AppendJSON(nil, "")) }

// center writes a random log, and counts how its calls fared.
type center struct {
	rnd    *rand.Rand
	rows   []timed
	counts map[string]int
}

type timed struct {
	at   int64
	text string
}

func (c *center) row(at int64, format string, args ...any) {
	c.rows = append(c.rows, timed{at, fmt.Sprintf("%d|", at) + fmt.Sprintf(format, args...)})
}

func (c *center) call(i int) {
	at := int64(1_700_000_000) + int64(c.rnd.IntN(20_000))
	id := fmt.Sprintf("%d.%d", at, i)
	for stays := 1 + c.rnd.IntN(3); stays > 0; stays-- {
		queue := []string{"sales", "support"}[c.rnd.IntN(2)]
		c.row(at, "%s|%s|NONE|ENTERQUEUE||021%d|1", id, queue, i)
		wait := int64(c.rnd.IntN(60))
		at += wait
		agent := fmt.Sprintf("SIP/%d", c.rnd.IntN(5))
		switch c.rnd.IntN(5) {
		case 0:
			c.row(at, "%s|%s|NONE|ABANDON|1|1|%d", id, queue, wait)
			c.counts["abandoned"]++
			return
		case 1:
			c.row(at, "%s|%s|NONE|EXITWITHTIMEOUT|1|1|%d", id, queue, wait)
			c.counts["timeout"]++
		default:
			talk := int64(c.rnd.IntN(100))
			c.row(at, "%s|%s|%s|CONNECT|%d|x|0", id, queue, agent, wait)
			at += talk
			c.counts["answered"]++
			if stays == 1 || c.rnd.IntN(3) > 0 {
				c.row(at, "%s|%s|%s|COMPLETEAGENT|%d|%d|1", id, queue, agent, wait, talk)
				return
			}
			c.row(at, "%s|%s|%s|BLINDTRANSFER|1|x|%d|%d|1", id, queue, agent, wait, talk)
		}
	}
}

func newCenter(seed uint64) *center {
	c := &center{rnd: rand.New(rand.NewPCG(seed, 1)), counts: map[string]int{}}
	for i := range 300 {
		c.call(i)
	}
	slices.SortStableFunc(c.rows, func(a, b timed) int { return int(a.at - b.at) })
	return c
}

// folded counts the outcomes of queue segments that events make.
func folded(t *testing.T, events []source.Event) map[string]int {
	t.Helper()
	ranks := []string{"created", "queued", "offered", "offer_ended", "dequeued", "answered", "transferred", "ended"}
	rank := func(typ string) int { return slices.Index(ranks, strings.TrimPrefix(typ, "contact.")) }
	numbers := map[string]int32{"agent_id": event.FieldAgentID, "queue_id": event.FieldQueueID, "outcome": event.FieldOutcome, "by": event.FieldBy, "mode": event.FieldMode}
	items := map[string]*item.Item{}
	for i, e := range events {
		x := event.Event{Type: e.Type, Time: e.Time, Sequence: e.Sequence}
		copy(x.UID[:], e.ID[20:])
		id := ""
		for _, m := range e.Data {
			v := strings.Trim(m.JSON, `"`)
			if m.Name == "contact_id" {
				id = v
			} else if n := numbers[m.Name]; n != 0 {
				x.Attrs = append(x.Attrs, event.Attr{Number: n, Text: v, IsText: true})
			}
		}
		slices.SortFunc(x.Attrs, func(a, b event.Attr) int { return int(a.Number - b.Number) })
		if items[id] == nil {
			items[id] = &item.Item{}
		}
		items[id].Insert(&x, int64(i), rank)
	}
	tracker := contact.New(contact.Config{Families: contact.NewFamilies(), Opener: func(typ string) bool { return typ != "contact.ended" }, LingerMs: 3_600_000, MaxAgeMs: 86_400_000})
	counts := map[string]int{}
	for _, it := range items {
		var b fact.Buffer
		tracker.Fold(it, 1_700_100_000_000, &b)
		for _, f := range b.Facts {
			if f.Family.Name == "queue_segment" {
				counts[f.Values[contact.QueueOutcome].Text]++
			}
		}
	}
	return counts
}

// TestOutcomes: the log of a random center gives what happened in it, also
// where everything of a call happens within one second.
func TestOutcomes(t *testing.T) {
	for seed := range uint64(20) {
		c := newCenter(seed)
		tr := New(Config{Instance: "pbx1"})
		var events []source.Event
		for i, r := range c.rows {
			got, err := tr.Row(int64(i), r.text)
			if err != nil {
				t.Fatal(err)
			}
			events = append(events, slices.Clone(got)...)
		}
		if got := folded(t, events); fmt.Sprint(got) != fmt.Sprint(c.counts) {
			t.Errorf("seed %d: %v, should be %v", seed, got, c.counts)
		}
		if len(tr.open()) != 0 && c.counts["timeout"] == 0 {
			t.Errorf("seed %d: %d calls are still open", seed, len(tr.open()))
		}
	}
}

// TestResume: a translator that is started anew at any row, from where the one
// before it says, gives the same events from there on.
func TestResume(t *testing.T) {
	rows := newCenter(3).rows
	at := map[int][]string{}
	whole := New(Config{Instance: "pbx1"})
	var from []int64
	for i, r := range rows {
		from = append(from, whole.Resume(int64(i)))
		events, err := whole.Row(int64(i), r.text)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			at[i] = append(at[i], told(e))
		}
	}
	for cut := 0; cut < len(rows); cut += 7 {
		tr := New(Config{Instance: "pbx1"})
		for i := int(from[cut]); i < min(cut+100, len(rows)); i++ {
			events, err := tr.Row(int64(i), rows[i].text)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, e := range events {
				got = append(got, told(e))
			}
			if i >= cut && !slices.Equal(got, at[i]) {
				t.Fatalf("resumed at row %d from %d, row %d %s gives\n%q\nwant\n%q", cut, from[cut], i, rows[i].text, got, at[i])
			}
		}
	}
}

// TestForgets: what is remembered of calls that never end is bounded.
func TestForgets(t *testing.T) {
	tr := New(Config{Instance: "pbx1"})
	for i := range maxCalls + 10 {
		if _, err := tr.Row(int64(i), fmt.Sprintf("1700000000|c%d|q|NONE|ENTERQUEUE||1|1", i)); err != nil {
			t.Fatal(err)
		}
	}
	if len(tr.calls) > maxCalls {
		t.Errorf("%d calls are remembered", len(tr.calls))
	}
}

// FuzzRow: any text gives events of known types and times of its own, or an
// error, and no panic.
func FuzzRow(f *testing.F) {
	for _, s := range []string{"1699286234|1.2|q|NONE|ENTERQUEUE||7145|1", "1|1.2|q|a|CONNECT|6|x|3", "1|1.2|q|a|ATTENDEDTRANSFER|LINK|a|b|1|2|3", "2023-11-06 15:55:34|NONE|NONE|NONE|QUEUESTART|", "1|x|q|a|OUTCALL|ANSWER|5"} {
		f.Add(s, s)
	}
	types := Types()
	f.Fuzz(func(t *testing.T, a, b string) {
		tr := New(Config{Instance: "x"})
		for i, s := range []string{a, b, a, "1699286600|NONE|NONE|NONE|QUEUESTART|"} {
			events, err := tr.Row(int64(i), s)
			if err != nil && len(events) > 0 {
				t.Fatal("an error and events")
			}
			for _, e := range events {
				if !slices.Contains(types, e.Type) || e.ID == "" {
					t.Fatalf("event %+v", e)
				}
			}
		}
	})
}

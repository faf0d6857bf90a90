package demo

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/nabz/nabz/pkg/mapping"
	"github.com/nabz/nabz/schemas"
)

// TestSampleIsCommitted holds the committed sample equal to what the command
// prints, so that nobody edits it by hand.
func TestSampleIsCommitted(t *testing.T) {
	want, err := os.ReadFile("../../../schemas/mapping/testdata/sample_calls.tsv")
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := Sample(&got, 1); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Error("schemas/mapping/testdata/sample_calls.tsv differs: write it anew by nabz demo --sample")
	}
	if len(want) > 60<<10 {
		t.Errorf("the sample has %d bytes, more than 60 KiB", len(want))
	}
}

// TestSampleFitsTheMapping reads the sample by the bank's mapping and adds up
// its columns by hand.
func TestSampleFitsTheMapping(t *testing.T) {
	c, err := schemas.Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile("../../../schemas/mapping/anonymous_bank.yaml")
	if err != nil {
		t.Fatal(err)
	}
	m, err := mapping.Parse("anonymous_bank.yaml", data, c, time.LoadLocation)
	if err != nil {
		t.Fatal(err)
	}
	var sample bytes.Buffer
	if err := Sample(&sample, 1); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(sample.String()), "\n")
	plan, err := m.Bind(strings.Split(lines[0], "\t"))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int{}
	got := map[string]int{}
	for i, line := range lines[1:] {
		values := strings.Split(line, "\t")
		want[values[12]]++
		events, bad := plan.Row(i+2, values)
		if bad != nil {
			t.Fatal(bad)
		}
		switch {
		case len(events) == 0:
			got["PHANTOM"]++
		case events[1].Type == "contact.answered":
			got["AGENT"]++
		default:
			got["HANG"]++
		}
		if len(events) > 0 && (events[1].Time < events[0].Time || events[1].Time-events[0].Time > time.Hour.Milliseconds()) {
			t.Errorf("line %d: a wait of %d ms", i+2, events[1].Time-events[0].Time)
		}
	}
	for _, outcome := range []string{"AGENT", "HANG", "PHANTOM"} {
		if got[outcome] != want[outcome] || want[outcome] == 0 {
			t.Errorf("%s: %d, want %d, and some", outcome, got[outcome], want[outcome])
		}
	}
}

// course writes what happens in a day.
func course(seed uint64) (string, []Happening) {
	center := NewCenter(seed, "x-")
	var all []Happening
	var b strings.Builder
	for at := time.Minute; at <= 24*time.Hour; at += time.Minute {
		for _, h := range center.Until(at) {
			all = append(all, h)
			b.Write(h.Event.AppendJSON(nil, h.At.String()))
		}
	}
	all = append(all, center.Close()...)
	return b.String(), all
}

func TestSameSeedSameCourse(t *testing.T) {
	first, _ := course(7)
	second, _ := course(7)
	if first != second {
		t.Error("one seed gives two courses")
	}
	if other, _ := course(8); other == first {
		t.Error("two seeds give one course")
	}
}

// TestCourseIsSound holds that a day has every kind of event, in an order in
// which a contact center could live it.
func TestCourseIsSound(t *testing.T) {
	c, err := schemas.Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	_, all := course(3)
	seen := map[string]int{}
	outcomes := map[string]int{}
	queued := map[string]int{} // by contact: entries less exits
	ids := map[string]bool{}
	last := time.Duration(0)
	for _, h := range all {
		e := h.Event
		seen[e.Type]++
		if h.At < last {
			t.Fatalf("%s at %v, after %v", e.Type, h.At, last)
		}
		last = h.At
		if ids[e.ID] {
			t.Fatalf("the id %s is there twice", e.ID)
		}
		ids[e.ID] = true
		data := map[string]string{}
		for _, m := range e.Data {
			data[m.Name] = m.JSON
		}
		typ, ok := c.Type(e.Type)
		if !ok {
			t.Fatalf("no type %s", e.Type)
		}
		for name := range data {
			if _, ok := typ.Use(name); !ok {
				t.Fatalf("%s has no field %s", e.Type, name)
			}
		}
		for _, f := range typ.Required {
			if data[f.Name] == "" {
				t.Fatalf("%s lacks %s", e.Type, f.Name)
			}
		}
		switch e.Type {
		case "contact.queued":
			queued[data["contact_id"]]++
		case "contact.dequeued", "contact.answered":
			outcomes[data["outcome"]]++
			if queued[data["contact_id"]]--; queued[data["contact_id"]] < 0 {
				t.Fatalf("%s left a queue that it was not in", data["contact_id"])
			}
		}
	}
	for id, n := range queued {
		if n != 0 {
			t.Errorf("%s waits when the center has closed", id)
		}
	}
	for _, typ := range []string{"contact.created", "contact.queued", "contact.offered", "contact.offer_ended", "contact.dequeued", "contact.answered", "contact.hold_started", "contact.hold_ended", "contact.transferred", "contact.callback_scheduled", "contact.ended", "contact.wrapup_started", "contact.wrapup_ended", "agent.login", "agent.state_changed", "agent.paused", "agent.unpaused", "agent.logout"} {
		if seen[typ] == 0 {
			t.Errorf("no %s in a day: %v", typ, seen)
		}
	}
	offered, answered, abandoned := seen["contact.queued"], seen["contact.answered"], outcomes[`"abandoned"`]
	if answered < offered/2 || abandoned < offered/50 || abandoned > offered/2 {
		t.Errorf("of %d offered %d were answered and %d abandoned: no center lives so", offered, answered, abandoned)
	}
}

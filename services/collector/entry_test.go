package collector

import (
	"net/http"
	"strings"
	"testing"

	"github.com/nabz/nabz/pkg/event"
)

// enter posts values that were entered by hand.
func (h *house) enter(body string) *answer {
	h.t.Helper()
	return h.postTo("/v1/values", testKey, "application/json", body)
}

// TestValuesEnteredByHand holds that an entry becomes an event with its author,
// and that the same entered again, or corrected, is the same event.
func TestValuesEnteredByHand(t *testing.T) {
	h := start(t, nil)
	a := h.enter(`{"name":"market_share","value":12.5,"unit":"percent","period_start":"2026-02-01T00:00:00Z","period_end":"2026-03-01T00:00:00Z"}`)
	if a.status != http.StatusOK || len(a.Results) != 1 || a.Results[0].Status != "accepted" {
		t.Fatalf("got %d %s", a.status, a.body)
	}
	a = h.enter(`[{"name":"market_share","value":"13","unit":"percent","period_end":"2026-03-01T00:00:00Z"},{"name":"market_share","value":"13.25","unit":"percent","period_end":"2026-03-01T00:00:00Z"},{"name":"visitors","value":-4,"time":"2026-03-02T10:00:00Z"}]`)
	if a.status != http.StatusOK || len(a.Results) != 3 || a.Results[2].Status != "accepted" {
		t.Fatalf("got %d %s", a.status, a.body)
	}
	seen := map[string][]event.Event{}
	for _, r := range h.log("nabz.events.v1", 4) {
		var e event.Event
		if err := e.Decode(string(r.Value)); err != nil {
			t.Fatal(err)
		}
		seen[e.Entity] = append(seen[e.Entity], e)
	}
	share := seen["market_share"]
	if len(share) != 3 || share[0].UID != share[2].UID || share[0].Time != share[2].Time || share[1].Revision <= share[0].Revision || share[2].Revision <= share[1].Revision {
		t.Fatalf("got %+v", share)
	}
	value, _ := share[2].Int(311)
	if value != 132_500 || share[0].Kind != "manual" || share[0].Text(319) != "all" || share[0].Text(312) != "percent" || share[0].Type != "manual.value" || share[0].Source != "manual" {
		t.Errorf("got %+v", share)
	}
	if value, _ := seen["visitors"][0].Int(311); value != -40_000 {
		t.Errorf("got %+v", seen["visitors"])
	}
}

// TestEntriesAreRefusedInTheirWords holds that a refusal names the member that
// was sent.
func TestEntriesAreRefusedInTheirWords(t *testing.T) {
	h := start(t, nil)
	f := func(name, body string, status int, reason, field string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			t.Helper()
			if a := h.enter(body); a.status != status || a.Reason != reason || a.Field != field {
				t.Errorf("got %d %s %s: %s", a.status, a.Reason, a.Field, a.body)
			}
		})
	}
	const at = `"time":"2026-03-01T00:00:00Z"`
	f("no_json", `{"name":"x"`, 400, "bad_json", "")
	f("empty", ``, 400, "bad_json", "")
	f("no_object", `[7]`, 400, "bad_json", "")
	f("no_name", `{"value":1,`+at+`}`, 400, "missing_field", "name")
	f("no_value", `{"name":"x",`+at+`}`, 400, "missing_field", "value")
	f("no_time", `{"name":"x","value":1}`, 400, "missing_field", "time")
	f("bad_value", `{"name":"x","value":"much",`+at+`}`, 400, "bad_value", "value")
	f("bad_time", `{"name":"x","value":1,"time":"tomorrow"}`, 400, "bad_value", "time")
	f("bad_type", `{"name":7,"value":1,`+at+`}`, 400, "bad_type", "name")
	f("future", `{"name":"x","value":1,"time":"2105-01-01T00:00:00Z"}`, 422, "future_time", "time")
	f("unknown", `{"name":"x","valu":1,`+at+`}`, 400, "unknown_field", "valu")
	f("author", `{"name":"x","value":1,"author":"boss",`+at+`}`, 400, "unknown_field", "author")
	f("twice", `{"name":"x","name":"y","value":1,`+at+`}`, 400, "duplicate_key", "name")
	if a := h.postTo("/v1/values", testKey, "text/csv", "x,1"); a.status != 415 || a.Reason != "unsupported_media_type" {
		t.Errorf("got %d %s", a.status, a.body)
	}
	if a := h.postTo("/v1/values", "", "application/json", "{}"); a.status != 401 {
		t.Errorf("got %d %s", a.status, a.body)
	}
	a := h.enter(`[{"name":"x","value":"much",` + at + `},{"name":"y","value":1,` + at + `}]`)
	if a.status != 200 || a.Results[0].Status != "dead_lettered" || a.Results[0].Error.Field != "value" || a.Results[1].Status != "accepted" {
		t.Errorf("got %d %s", a.status, a.body)
	}
	if strings.Contains(a.body, "much") {
		t.Errorf("the answer repeats what was typed: %s", a.body)
	}
}

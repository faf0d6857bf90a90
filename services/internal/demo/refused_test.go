package demo

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestRefusedDemoEnds holds that a demonstration of which nothing is taken
// says why and ends.
func TestRefusedDemoEnds(t *testing.T) {
	door := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var events []json.RawMessage
		if err := json.NewDecoder(r.Body).Decode(&events); err != nil {
			t.Error(err)
		}
		one := `{"id":"x","status":"dead_lettered","error":{"reason":"bad_value","field":"tenant","detail":"a tenant's name is expected"}}`
		_, _ = io.WriteString(w, `{"results":[`+strings.Repeat(one+",", len(events)-1)+one+`]}`)
	}))
	defer door.Close()
	err := Run(t.Context(), Config{Collector: door.URL, APIKey: "k", Tenant: "A B", Speed: 600, Seed: 1, For: 5 * time.Minute, Progress: io.Discard})
	if err == nil || !strings.Contains(err.Error(), "a tenant's name is expected") {
		t.Errorf("got %v", err)
	}
}

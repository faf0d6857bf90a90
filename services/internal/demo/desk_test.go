package demo

import (
	"strings"
	"testing"
	"time"

	"github.com/nabz/nabz/schemas"
)

// TestDesk plays a morning: every event is one that the catalogue has, with what
// it requires, and every conversation ends, at the latest with the center.
func TestDesk(t *testing.T) {
	catalogue, err := schemas.Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	center := NewCenter(7, "p-")
	happened := append([]Happening(nil), center.Until(3*time.Hour)...)
	happened = append(happened, center.Close()...)
	status, seen, replies := map[string]string{}, map[string]int{}, 0
	for _, h := range happened {
		if !strings.HasPrefix(h.Event.Type, "conversation.") && !strings.HasPrefix(h.Event.Type, "message.") {
			continue
		}
		seen[h.Event.Type]++
		typ, known := catalogue.Type(h.Event.Type)
		if !known {
			t.Fatalf("%s is not in the catalogue", h.Event.Type)
		}
		data := map[string]string{}
		for _, m := range h.Event.Data {
			data[m.Name] = strings.Trim(m.JSON, `"`)
			if _, takes := typ.Use(m.Name); !takes {
				t.Errorf("%s has no %s", h.Event.Type, m.Name)
			}
		}
		for _, f := range typ.Required {
			if data[f.Name] == "" {
				t.Errorf("%s without %s", h.Event.Type, f.Name)
			}
		}
		if s := data["status"]; s != "" {
			status[data["conversation_id"]] = s
		}
		if data["actor"] == "agent" && data["visibility"] == "" {
			replies++
		}
	}
	for _, typ := range []string{"conversation.created", "conversation.assigned", "conversation.bot_handoff", "conversation.reopened", "message.created"} {
		if seen[typ] == 0 {
			t.Errorf("no %s in three hours", typ)
		}
	}
	if replies < len(status)/2 {
		t.Errorf("%d replies in %d conversations", replies, len(status))
	}
	for id, s := range status {
		if s != "solved" && s != "closed" {
			t.Errorf("%s is %s in the end", id, s)
		}
	}
	if n := len(center.desk.open); n != 0 {
		t.Errorf("%d conversations are open after the end", n)
	}
}

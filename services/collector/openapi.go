package collector

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/nabz/nabz/pkg/event"
)

// The specification but for what the catalogue of events says.
//
//go:embed openapi.json
var specification []byte

// specified puts the schema of every event type, and every reason, into the
// specification.
func specified(c *event.Catalogue) ([]byte, error) {
	var doc map[string]any
	if err := json.Unmarshal(specification, &doc); err != nil {
		return nil, fmt.Errorf("read specification: %w", err)
	}
	schemas := doc["components"].(map[string]any)["schemas"].(map[string]any)
	var all []any
	for _, t := range c.Types() {
		var data map[string]any
		if err := json.Unmarshal(t.JSONSchema(), &data); err != nil {
			return nil, fmt.Errorf("read schema of %s: %w", t.Name, err)
		}
		delete(data, "$schema")
		delete(data, "$id")
		schemas[t.Name] = map[string]any{
			"allOf":      []any{map[string]any{"$ref": "#/components/schemas/Envelope"}},
			"type":       "object",
			"properties": map[string]any{"type": map[string]any{"const": t.Name}, "data": data},
		}
		all = append(all, map[string]any{"$ref": "#/components/schemas/" + t.Name})
	}
	schemas["Event"] = map[string]any{"oneOf": all}
	schemas["Reason"] = map[string]any{"enum": slices.Sorted(maps.Keys(reasons))}
	return json.Marshal(doc)
}

func (s *Service) serveSpecification(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	// A reader that is gone needs no answer.
	_, _ = w.Write(s.specified)
}

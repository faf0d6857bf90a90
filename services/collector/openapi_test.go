package collector

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// spec is the collector's specification as its readers see it.
type spec struct {
	doc      map[string]any
	compiler *jsonschema.Compiler
}

func specOf(t *testing.T, s *Service) *spec {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(s.specified))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("spec.json", doc); err != nil {
		t.Fatal(err)
	}
	object, _ := doc.(map[string]any)
	return &spec{object, c}
}

func (s *spec) holds(t *testing.T, pointer string, body []byte) {
	t.Helper()
	schema, err := s.compiler.Compile("spec.json#" + pointer)
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		t.Fatalf("%s: %v: %.300s", pointer, err, body)
	}
	if err := schema.Validate(v); err != nil {
		t.Errorf("%s: %v: %.300s", pointer, err, body)
	}
}

// answered holds an answer against what the specification says of its path.
func (s *spec) answered(t *testing.T, path string, a *answer) {
	t.Helper()
	responses, _ := s.doc["paths"].(map[string]any)[path].(map[string]any)["post"].(map[string]any)["responses"].(map[string]any)
	if responses[fmt.Sprint(a.status)] == nil {
		t.Errorf("%s: %d is not in the specification: %s", path, a.status, a.body)
	}
	kind, schema := "application/problem+json", "Problem"
	if a.status == http.StatusOK {
		kind, schema = "application/json", "Results"
	}
	if got := a.header.Get("Content-Type"); got != kind {
		t.Errorf("%s: %d is of type %q", path, a.status, got)
	}
	s.holds(t, "/components/schemas/"+schema, []byte(a.body))
}

// TestSpecification holds that the specification is served, that every reason's
// status is in it, and that real events are what it says of events.
func TestSpecification(t *testing.T) {
	h := start(t, nil)
	if h.get("/openapi.json") != http.StatusOK {
		t.Fatal("the specification is not served")
	}
	for path := range h.spec.doc["paths"].(map[string]any) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodTrace, h.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusMethodNotAllowed || resp.Header.Get("Allow") == "" {
			t.Errorf("TRACE %s: %d, Allow %q", path, resp.StatusCode, resp.Header.Get("Allow"))
		}
	}
	s := specOf(t, h.service)
	var events []json.RawMessage
	if err := json.Unmarshal(bench500(time.Now()), &events); err != nil {
		t.Fatal(err)
	}
	for _, e := range events[:20] {
		s.holds(t, "/components/schemas/Event", e)
	}
	responses, _ := s.doc["paths"].(map[string]any)["/v1/events"].(map[string]any)["post"].(map[string]any)["responses"].(map[string]any)
	for reason, status := range reasons {
		if reason != NotFound && reason != BadMethod && responses[fmt.Sprint(status)] == nil {
			t.Errorf("%s: %d is not in the specification", reason, status)
		}
	}
	for _, typ := range h.service.types {
		if !strings.Contains(string(h.service.specified), `"#/components/schemas/`+typ+`"`) {
			t.Errorf("no %s in the specification", typ)
		}
	}
}

package event

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Patterns of the values that are strings in JSON. Control characters are
// refused because the NUL among them parts the words of a record's key.
const (
	patternText  = `^[^\x00-\x1f\x7f]*$`
	patternLines = `^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$`
	// patternTime holds the years that ClickHouse's DateTime can, 1970 to 2106,
	// with room for the offset of a zone.
	patternTime    = `^(197[1-9]|19[89][0-9]|20[0-9]{2}|210[0-5])-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-5][0-9](\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})$`
	patternDecimal = `^-?(0|[1-9][0-9]{0,13})(\.[0-9]{1,4})?$`
)

// JSONSchema gives the JSON Schema (2020-12) of the data of a type: what the
// collector accepts. It is generated; the collector's own check is tested to
// agree with it.
func (t *Type) JSONSchema() []byte {
	var b strings.Builder
	b.WriteString("{\n  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n")
	fmt.Fprintf(&b, "  \"$id\": \"https://github.com/nabz/nabz/schemas/events/json/%s.json\",\n", t.Name)
	fmt.Fprintf(&b, "  \"title\": %s,\n  \"description\": %s,\n", quote(t.Name), quote(t.Doc))
	b.WriteString("  \"type\": \"object\",\n  \"additionalProperties\": false,\n")
	if len(t.Required) > 0 {
		names := make([]string, len(t.Required))
		for i, f := range t.Required {
			names[i] = quote(f.Name)
		}
		fmt.Fprintf(&b, "  \"required\": [%s],\n", strings.Join(names, ", "))
	}
	b.WriteString("  \"properties\": {\n")
	for i := range t.uses {
		u := &t.uses[i]
		fmt.Fprintf(&b, "    %s: {%s, \"description\": %s}", quote(u.Field.Name), u.jsonSchema(), quote(u.Field.describe()))
		if i < len(t.uses)-1 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
	}
	b.WriteString("  }\n}\n")
	return []byte(b.String())
}

func (u *Use) jsonSchema() string {
	switch f := u.Field; f.Type {
	case FieldInt:
		least := -MaxInt
		if f.Envelope {
			least = 1
		}
		return fmt.Sprintf(`"type": "integer", "minimum": %d, "maximum": %d`, least, MaxInt)
	case FieldDuration:
		return fmt.Sprintf(`"type": "integer", "minimum": 0, "maximum": %d`, MaxInt)
	case FieldBool:
		return `"type": "boolean"`
	case FieldTime:
		return `"type": "string", "format": "date-time", "pattern": ` + quote(patternTime)
	case FieldDecimal:
		return `"type": "string", "pattern": ` + quote(patternDecimal)
	default:
		if u.Values != nil {
			values := make([]string, len(u.Values))
			for i, v := range u.Values {
				values[i] = quote(v)
			}
			return `"enum": [` + strings.Join(values, ", ") + `]`
		}
		pattern := patternText
		if f.Lines {
			pattern = patternLines
		}
		return fmt.Sprintf(`"type": "string", "minLength": 1, "maxLength": %d, "pattern": %s`, f.Max, quote(pattern))
	}
}

// describe adds to a field's sentence what its type does not say in JSON.
func (f *Field) describe() string {
	switch {
	case f.Personal:
		return f.Doc + " Replaced by a keyed token."
	case f.Type == FieldDuration:
		return f.Doc + " Milliseconds."
	}
	return f.Doc
}

func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic("event: quote a string: " + err.Error())
	}
	return string(b)
}

// Proto gives event.proto: the message that every record of the topic events
// holds.
func (c *Catalogue) Proto() []byte {
	var b strings.Builder
	b.WriteString(protoHead)
	for _, f := range c.fields {
		if f.Envelope {
			continue
		}
		kind := "sint64"
		if f.Type == FieldString {
			kind = "string"
		}
		fmt.Fprintf(&b, "  // %s\n  optional %s %s = %d;\n", f.protoDoc(), kind, f.Name, f.Number)
	}
	b.WriteString("}\n")
	return []byte(b.String())
}

func (f *Field) protoDoc() string {
	switch f.Type {
	case FieldBool:
		return f.Doc + " 0 or 1."
	case FieldTime:
		return f.Doc + " Milliseconds since 1970 UTC."
	case FieldDuration:
		return f.Doc + " Milliseconds."
	case FieldDecimal:
		return f.Doc + " In ten-thousandths."
	case FieldString, FieldInt:
	}
	if f.Personal {
		return f.Doc + " A keyed token."
	}
	return f.Doc
}

// protoHead is the envelope, whose numbers stand in wire.go.
const protoHead = `// Generated from fields.yaml by: go test ./schemas -run Golden -update
syntax = "proto3";

package nabz.event.v1;

// Event is one thing that happened, as one of the entities it concerns sees it.
// Times are milliseconds since 1970 UTC.
message Event {
  string tenant = 1;
  // Empty on the live feed.
  string feed = 2;
  string type = 3;
  string source = 4;
  string id = 5;
  // 16 bytes: the UUID of tenant, source and id.
  bytes uid = 6;
  sint64 time = 7;
  sint64 received_at = 8;
  sint64 sequence = 9;
  sint64 revision = 10;
  // Of the content.
  fixed64 hash = 11;
  // Of the entity that this copy is for.
  string kind = 12;
  string entity = 13;
  // The uid of the event that this one withdraws, and its time.
  bytes replaces = 14;
  sint64 replaces_time = 15;
  // This copy only withdraws: its entity is of the replaced event alone.
  bool withdrawn = 16;
  // The replay that sent it and the generation of the feed; 0 on the live feed.
  sint64 session = 17;
  sint64 generation = 18;

`

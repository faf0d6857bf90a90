package event

import (
	"fmt"
	"slices"
	"strings"
)

// Markdown gives docs/events.md: every type and field, for those who send
// events or write mappings.
func (c *Catalogue) Markdown() []byte {
	var b strings.Builder
	b.WriteString(docHead)
	var families []string
	for _, t := range c.types {
		if !slices.Contains(families, t.Family) {
			families = append(families, t.Family)
		}
	}
	for _, family := range families {
		fmt.Fprintf(&b, "\n## %s\n", family)
		for _, t := range c.types {
			if t.Family == family {
				t.markdown(&b)
			}
		}
	}
	b.WriteString("\n## Fields\n\n| field | type | meaning |\n| --- | --- | --- |\n")
	for _, f := range c.fields {
		kind := f.Type.String()
		if f.Personal {
			kind += ", personal"
		}
		doc := f.Doc
		if f.Values != nil {
			doc += " One of " + strings.Join(f.Values, ", ") + "."
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", f.Name, kind, doc)
	}
	return []byte(b.String())
}

func (t *Type) markdown(b *strings.Builder) {
	fmt.Fprintf(b, "\n**`%s`**: %s", t.Name, t.Doc)
	if len(t.Concerns) > 0 {
		var kinds []string
		for _, c := range t.Concerns {
			kinds = append(kinds, c.Kind+" (`"+c.Field.Name+"`)")
		}
		fmt.Fprintf(b, " Concerns %s.", strings.Join(kinds, ", "))
	}
	b.WriteString("\n")
	names := func(title string, required bool) {
		var out []string
		for i := range t.uses {
			u := &t.uses[i]
			if u.Required != required {
				continue
			}
			name := "`" + u.Field.Name + "`"
			// Sets that hold for every type stand in the table of fields.
			if u.Values != nil && u.Field.Values == nil {
				name += " (" + strings.Join(u.Values, ", ") + ")"
			}
			out = append(out, name)
		}
		if len(out) > 0 {
			fmt.Fprintf(b, "%s: %s.\n", title, strings.Join(out, ", "))
		}
	}
	names("Required", true)
	names("Optional", false)
}

const docHead = `# Events

Generated from schemas/events by: go test ./schemas -run Golden -update

What each type is, whom it concerns and which fields its data has. In JSON a time is a text by RFC 3339, a duration is whole milliseconds, a decimal a
text such as "12.50". How to send events: [http.md](http.md); how to make them of a call log: [mappings.md](mappings.md).
`

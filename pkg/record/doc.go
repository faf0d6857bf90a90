package record

import (
	"fmt"
	"strings"
	"time"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/fact"
)

// typeWords name the types of columns for people.
var typeWords = map[fact.Type]string{
	fact.Text: "text", fact.Time: "instant", fact.Duration: "span", fact.Count: "whole number", fact.Bool: "yes or no", fact.Decimal: "decimal",
}

// Markdown is the page of all declared families.
func Markdown(kinds []*Kind) []byte {
	var b strings.Builder
	b.WriteString("# Families of facts that are declared as data\n\n" +
		"Generated from `schemas/record` by `go test ./schemas -run Golden -update`. How a declaration is written stands in `docs/records.md`. " +
		"Every fact also has tenant, feed, item, id and opened_at.\n")
	for _, k := range kinds {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n", k.Name, k.Doc)
		for _, f := range k.Families {
			f.markdown(&b)
		}
	}
	return []byte(b.String())
}

func (f *Family) markdown(b *strings.Builder) {
	fmt.Fprintf(b, "\n### %s\n\n%s %s.", f.Fact.Name, f.Fact.Doc, f.comes())
	if len(f.Fact.Dims) > 0 {
		fmt.Fprintf(b, " Grouped by %s.", strings.Join(f.Fact.Dims, ", "))
	}
	b.WriteString("\n\n| column | type | what it is |\n|---|---|---|\n")
	for _, c := range f.Fact.Columns {
		what := c.Doc
		if len(c.Values) > 0 {
			what += " One of " + strings.Join(c.Values, ", ") + "."
		}
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", c.Name, typeWords[c.Type], what)
	}
}

// comes says in words how facts come to be.
func (f *Family) comes() string {
	types := "`" + strings.Join(f.Types, "`, `") + "`"
	where := ""
	for i := range f.Where {
		c := &f.Where[i]
		switch {
		case c.Values == nil:
			where += fmt.Sprintf(", with %s", c.Field.Name)
		case c.Not:
			where += fmt.Sprintf(", %s not %s", c.Field.Name, strings.Join(c.Values, " or "))
		default:
			where += fmt.Sprintf(", %s %s", c.Field.Name, strings.Join(c.Values, " or "))
		}
	}
	switch f.Mode {
	case Each:
		return "Each of " + types + where
	case Day:
		return "By day, of " + types + where
	case Gap:
		return fmt.Sprintf("With silences up to %s%s, of %s%s", time.Duration(f.GapMs)*time.Millisecond, per(f.Per), types, where)
	case Stay:
		ends := ""
		if len(f.Ends) > 0 {
			ends = ", until `" + strings.Join(f.Ends, "`, `") + "`"
		}
		return fmt.Sprintf("While %s stays the same, by %s%s%s", f.Of.Name, types, where, ends)
	case Life:
	}
	return "From the first of " + types + where
}

func per(fields []*event.Field) string {
	if len(fields) == 0 {
		return ""
	}
	return " within one " + strings.Join(fieldNames(fields), ", or else ")
}

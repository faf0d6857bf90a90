package record

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/kpi"
	"github.com/nabz/nabz/pkg/strictyaml"
)

// Load reads all declarations of a folder, <kind>.yaml, in the order of their
// names. Every mistake is an error with file, line and column.
func Load(folder fs.FS, catalogue *event.Catalogue) ([]*Kind, error) {
	files, err := fs.Glob(folder, "*.yaml")
	if err != nil {
		return nil, fmt.Errorf("list records: %w", err)
	}
	var out []*Kind
	var errs []error
	families := map[string]string{}
	for _, file := range files {
		data, err := fs.ReadFile(folder, file)
		if err != nil {
			return nil, fmt.Errorf("read records: %w", err)
		}
		k, err := Parse(file, data, catalogue)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		for _, f := range k.Families {
			if other, twice := families[f.Fact.Name]; twice {
				errs = append(errs, fmt.Errorf("%s: family %s is also in %s", file, f.Fact.Name, other))
			}
			families[f.Fact.Name] = file
		}
		out = append(out, k)
	}
	return out, errors.Join(errs...)
}

// Parse reads one declaration. What events there are says the catalogue.
func Parse(file string, data []byte, catalogue *event.Catalogue) (*Kind, error) {
	r, root, err := strictyaml.Open(file, data)
	if err != nil {
		return nil, err
	}
	l := &loading{r: r, cat: catalogue, kind: &Kind{}}
	r.Map(root, strictyaml.Keys{
		"kind": func(n *yaml.Node) {
			l.kind.Name = r.OneOf(n, catalogue.Kinds()...)
			if want := strings.TrimSuffix(file, ".yaml"); l.kind.Name != "" && l.kind.Name != want {
				r.Errorf(n, "the file of kind %s is %s.yaml", l.kind.Name, l.kind.Name)
			}
		},
		"doc": func(n *yaml.Node) { l.kind.Doc = r.Text(n) },
		"families": func(n *yaml.Node) {
			r.Pairs(n, func(k, n *yaml.Node) { l.family(k, n) })
		},
	}, "kind", "doc", "families")
	return l.kind, r.Err()
}

// loading is one file on its way in.
type loading struct {
	r    *strictyaml.Reader
	cat  *event.Catalogue
	kind *Kind
	f    *Family
}

// maxColumns is the most columns of a family: a table that is wider is two.
const maxColumns = 60

func (l *loading) family(k, n *yaml.Node) {
	r := l.r
	f := &Family{Fact: &fact.Family{Name: k.Value, Kind: l.kind.Name}}
	l.f = f
	if !word(k.Value) {
		r.Errorf(k, "%q is no name: lower-case letters, digits and _", k.Value)
	}
	modes := 0
	mode := func(m Mode, read func(n *yaml.Node)) func(*yaml.Node) {
		return func(n *yaml.Node) {
			f.Mode = m
			modes++
			read(n)
		}
	}
	types := func(n *yaml.Node) { f.Types = l.types(n) }
	var columns, dims, open *yaml.Node
	r.Map(n, strictyaml.Keys{
		"view": func(n *yaml.Node) { f.Fact.View = r.Text(n) },
		"doc":  func(n *yaml.Node) { f.Fact.Doc = r.Text(n) },
		"each": mode(Each, types), "life": mode(Life, types), "day": mode(Day, types),
		"gap": mode(Gap, l.gap), "stay": mode(Stay, l.stay),
		"where":      func(n *yaml.Node) { f.Where = l.where(n) },
		"open":       func(n *yaml.Node) { open = n },
		"lost_after": func(n *yaml.Node) { f.LostAfterMs = l.span(n) },
		"dims":       func(n *yaml.Node) { dims = n },
		"columns":    func(n *yaml.Node) { columns = n },
	}, "view", "doc", "columns")
	if modes != 1 {
		r.Errorf(k, "%s needs one of each, life, gap, day and stay", k.Value)
		return
	}
	if columns == nil {
		return
	}
	l.columns(columns)
	if dims != nil {
		l.dims(dims)
	}
	l.states(k, open)
	f.Fact.Long = len(f.Fact.Open) > 0
	l.kind.Families = append(l.kind.Families, f)
}

func (l *loading) gap(n *yaml.Node) {
	l.r.Map(n, strictyaml.Keys{
		"after": func(n *yaml.Node) { l.f.GapMs = l.span(n) },
		"types": func(n *yaml.Node) { l.f.Types = l.types(n) },
		"per": func(n *yaml.Node) {
			l.r.Items(n, func(n *yaml.Node) { l.f.Per = append(l.f.Per, l.text(n)) })
		},
	}, "after", "types")
}

func (l *loading) stay(n *yaml.Node) {
	l.r.Map(n, strictyaml.Keys{
		"of":    func(n *yaml.Node) { l.f.Of = l.text(n) },
		"types": func(n *yaml.Node) { l.f.Types = l.types(n) },
		"ends":  func(n *yaml.Node) { l.f.Ends = l.types(n) },
	}, "of", "types")
}

func (l *loading) dims(n *yaml.Node) {
	l.r.Items(n, func(n *yaml.Node) {
		i := l.column(n)
		if i >= 0 && l.f.Fact.Columns[i].Type != fact.Text {
			l.r.Errorf(n, "%s is no text: facts are grouped by texts", n.Value)
		}
		l.f.Fact.Dims = append(l.f.Fact.Dims, l.r.Text(n))
	})
}

// states finds the column that says whether a fact may still change.
func (l *loading) states(k, open *yaml.Node) {
	f := l.f
	for i := range f.Columns {
		switch f.Columns[i].Source {
		case Status:
			if open != nil {
				f.Fact.Lost = f.Fact.Columns[i].Name
				l.r.Items(open, func(n *yaml.Node) {
					f.Fact.Open = append(f.Fact.Open, l.r.OneOf(n, f.Fact.Columns[i].Values...))
				})
				f.Fact.Columns[i].Values = append(f.Fact.Columns[i].Values, fact.LostText)
			}
		case State:
			f.Fact.Lost, f.Fact.Open = f.Fact.Columns[i].Name, []string{Open}
		default:
		}
	}
	_, waits := f.Waits()
	switch {
	case open != nil && f.Fact.Lost == "":
		l.r.Errorf(open, "open needs a column with a status")
	case f.LostAfterMs > 0 && (f.Mode != Life || open == nil):
		l.r.Errorf(k, "lost_after needs life and open")
	case f.Mode == Stay && f.Fact.Lost == "", f.Fact.Lost == "" && waits:
		l.r.Errorf(k, "%s needs a column with its state: it may still change", k.Value)
	}
}

// types reads event types that concern items of the kind.
func (l *loading) types(n *yaml.Node) []string {
	var known []string
	for _, t := range l.cat.Types() {
		if slices.ContainsFunc(t.Concerns, func(c event.Concern) bool { return c.Kind == l.kind.Name }) {
			known = append(known, t.Name)
		}
	}
	var out []string
	l.r.Items(n, func(n *yaml.Node) {
		name := l.r.Text(n)
		switch {
		case !slices.Contains(known, name):
			l.r.Errorf(n, "no event type %q concerns a %s%s", name, l.kind.Name, strictyaml.Hint(name, known))
		case slices.Contains(out, name):
			l.r.Errorf(n, "%s is there twice", name)
		}
		out = append(out, name)
	})
	return out
}

// field reads the name of a field of the catalogue.
func (l *loading) field(n *yaml.Node) *event.Field {
	name := l.r.Text(n)
	f, ok := l.cat.Field(name)
	if !ok || f.Envelope {
		var known []string
		for _, f := range l.cat.Fields() {
			known = append(known, f.Name)
		}
		l.r.Errorf(n, "no field %q%s", name, strictyaml.Hint(name, known))
		return &event.Field{Name: name, Type: event.FieldString}
	}
	return f
}

// text reads the name of a field that holds a text.
func (l *loading) text(n *yaml.Node) *event.Field {
	f := l.field(n)
	if f.Type != event.FieldString {
		l.r.Errorf(n, "%s is a %s, not a string", f.Name, f.Type)
	}
	return f
}

func (l *loading) span(n *yaml.Node) int64 {
	ms, err := kpi.ParseSpan(n.Value)
	if err != nil {
		l.r.Errorf(n, "%v", err)
	}
	return ms
}

// where reads conditions: field: [words], field: {not: [words]} or field: any.
func (l *loading) where(n *yaml.Node) []Cond {
	var out []Cond
	l.r.Pairs(n, func(k, n *yaml.Node) {
		c := Cond{Field: l.text(k)}
		switch n.Kind {
		case yaml.SequenceNode:
			c.Values = l.r.Texts(n)
		case yaml.MappingNode:
			c.Not = true
			l.r.Map(n, strictyaml.Keys{"not": func(n *yaml.Node) { c.Values = l.r.Texts(n) }}, "not")
		default:
			l.r.OneOf(n, "any")
		}
		for _, v := range c.Values {
			if c.Field.Values != nil && !slices.Contains(c.Field.Values, v) {
				l.r.Errorf(n, "%s is never %q%s", c.Field.Name, v, strictyaml.Hint(v, c.Field.Values))
			}
		}
		out = append(out, c)
	})
	return out
}

func word(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (i == 0 || c != '_' && (c < '0' || c > '9')) {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

package event

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/nabz/nabz/pkg/strictyaml"
)

// family is one file: what its types share, and the types.
type family struct {
	c        *Catalogue
	r        *strictyaml.Reader
	name     string
	clock    bool
	concerns []Concern
	required []*Field
	optional []*Field
}

func (c *Catalogue) parseFamily(folder fs.FS, file string) error {
	data, err := fs.ReadFile(folder, file)
	if err != nil {
		return fmt.Errorf("read family of events: %w", err)
	}
	r, root, err := strictyaml.Open(file, data)
	if err != nil {
		return err
	}
	f := &family{c: c, r: r}
	var types *yaml.Node
	r.Map(root, strictyaml.Keys{
		"family":   func(n *yaml.Node) { f.name = word(r, n) },
		"doc":      func(n *yaml.Node) { r.Text(n) },
		"clock":    func(n *yaml.Node) { f.clock = r.Bool(n) },
		"concerns": func(n *yaml.Node) { f.concerns = f.parseConcerns(n) },
		"required": func(n *yaml.Node) { f.required = f.parseFields(n) },
		"optional": func(n *yaml.Node) { f.optional = f.parseFields(n) },
		"types":    func(n *yaml.Node) { types = n },
	}, "family", "doc", "types")
	if types != nil {
		r.Pairs(types, f.parseType)
	}
	return r.Err()
}

func (f *family) parseType(k, n *yaml.Node) {
	t := &Type{Name: k.Value, Family: f.name, Clock: f.clock, Concerns: slices.Clone(f.concerns), byName: map[string]int{}}
	if _, dup := f.c.byType[t.Name]; dup {
		f.r.Errorf(k, "type %s is there twice", t.Name)
		return
	}
	if family, event, ok := strings.Cut(t.Name, "."); !ok || family == "" || event == "" {
		f.r.Errorf(k, "type %q is not of the form family.event", t.Name)
	}
	required, optional := slices.Clone(f.required), slices.Clone(f.optional)
	var values *yaml.Node
	f.r.Map(n, strictyaml.Keys{
		"doc":    func(n *yaml.Node) { t.Doc = f.r.Text(n) },
		"rank":   func(n *yaml.Node) { t.Rank = int(f.r.Int(n, 1, 100)) },
		"opener": func(n *yaml.Node) { t.Opener = f.r.Bool(n) },
		"concerns": func(n *yaml.Node) {
			t.Concerns = append(t.Concerns, f.parseConcerns(n)...)
		},
		"required": func(n *yaml.Node) {
			more := f.parseFields(n)
			required = append(required, more...)
			// A type may ask for what its family leaves open.
			optional = slices.DeleteFunc(optional, func(o *Field) bool { return slices.Contains(more, o) })
		},
		"optional": func(n *yaml.Node) { optional = append(optional, f.parseFields(n)...) },
		"values":   func(n *yaml.Node) { values = n },
	}, "doc", "rank")
	t.Required, t.Optional = required, optional
	f.use(k, t)
	if values != nil {
		f.r.Pairs(values, func(k, n *yaml.Node) { f.parseValues(t, k, n) })
	}
	f.check(k, t)
	f.c.byType[t.Name] = t
}

// use lays out the fields of a type.
func (f *family) use(k *yaml.Node, t *Type) {
	for _, field := range t.Required {
		t.uses = append(t.uses, Use{Field: field, Required: true, Values: field.Values})
	}
	for _, field := range t.Optional {
		t.uses = append(t.uses, Use{Field: field, Values: field.Values})
	}
	byNumber := func(a, b *Field) int { return int(a.Number) - int(b.Number) }
	slices.SortFunc(t.Required, byNumber)
	slices.SortFunc(t.Optional, byNumber)
	slices.SortFunc(t.uses, func(a, b Use) int { return byNumber(a.Field, b.Field) })
	for i, u := range t.uses {
		if _, dup := t.byName[u.Field.Name]; dup {
			f.r.Errorf(k, "type %s has the field %s twice", t.Name, u.Field.Name)
		}
		t.byName[u.Field.Name] = i
	}
}

func (f *family) parseValues(t *Type, k, n *yaml.Node) {
	i, ok := t.byName[k.Value]
	if !ok {
		f.r.Errorf(k, "type %s has no field %q%s", t.Name, k.Value, strictyaml.Hint(k.Value, t.names()))
		return
	}
	if t.uses[i].Field.Type != FieldString {
		f.r.Errorf(k, "field %s is no string", k.Value)
	}
	t.uses[i].Values = f.r.Texts(n)
}

// check finds what is wrong with a type as a whole.
func (f *family) check(k *yaml.Node, t *Type) {
	if t.Clock != IsClockType(t.Name) || t.Clock && len(t.Concerns) > 0 {
		f.r.Errorf(k, "type %s: only the records of a feed's clock are clocks, and they concern no entity", t.Name)
	}
	if !t.Clock && len(t.Concerns) == 0 {
		f.r.Errorf(k, "type %s concerns no entity", t.Name)
	}
	for i, concern := range t.Concerns {
		u, ok := t.Use(concern.Field.Name)
		switch {
		case !ok:
			f.r.Errorf(k, "type %s concerns %s by the field %s, which it does not have", t.Name, concern.Kind, concern.Field.Name)
		case i == 0 && !u.Required:
			f.r.Errorf(k, "type %s: the field %s of its primary entity is not required", t.Name, concern.Field.Name)
		case concern.Field.Type != FieldString:
			f.r.Errorf(k, "type %s concerns %s by the field %s, which is no string", t.Name, concern.Kind, concern.Field.Name)
		}
	}
}

func (t *Type) names() []string {
	out := make([]string, 0, len(t.uses))
	for _, u := range t.uses {
		out = append(out, u.Field.Name)
	}
	return out
}

func (f *family) parseFields(n *yaml.Node) []*Field {
	var out []*Field
	f.r.Items(n, func(n *yaml.Node) {
		if field := f.field(n); field != nil {
			out = append(out, field)
		}
	})
	return out
}

func (f *family) parseConcerns(n *yaml.Node) []Concern {
	var out []Concern
	f.r.Items(n, func(n *yaml.Node) {
		f.r.Pairs(n, func(k, v *yaml.Node) {
			if field := f.field(v); field != nil {
				out = append(out, Concern{Kind: word(f.r, k), Field: field})
			}
		})
	})
	return out
}

func (f *family) field(n *yaml.Node) *Field {
	name := f.r.Text(n)
	field, ok := f.c.byName[name]
	if !ok {
		names := make([]string, 0, len(f.c.fields))
		for _, x := range f.c.fields {
			names = append(names, x.Name)
		}
		f.r.Errorf(n, "no field %q in fields.yaml%s", name, strictyaml.Hint(name, names))
	}
	return field
}

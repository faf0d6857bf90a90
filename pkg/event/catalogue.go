package event

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/nabz/nabz/pkg/strictyaml"
)

// FieldType is the kind of value that a field holds.
type FieldType uint8

const (
	// FieldString is a text without control characters, never empty.
	FieldString FieldType = iota + 1
	// FieldInt is a whole number within ±MaxInt.
	FieldInt
	// FieldBool is 0 or 1 as [Attr.Int].
	FieldBool
	// FieldTime is an instant in ms since 1970 UTC.
	FieldTime
	// FieldDuration is a span in ms, never negative.
	FieldDuration
	// FieldDecimal is a number in ten-thousandths.
	FieldDecimal
)

// MaxInt is the greatest whole number that every JSON parser keeps exactly
// (RFC 8259 §6).
const MaxInt = 1<<53 - 1

// DecimalScale is how many units of [Attr.Int] one whole of a decimal has. Four
// places hold every currency of ISO 4217.
const DecimalScale = 10_000

// maxText is the most characters of a string that says nothing else.
const maxText = 256

// fieldTypes are the types by their name in fields.yaml.
var fieldTypes = []string{"", "string", "int", "bool", "time", "duration", "decimal"}

// String gives the type's name in fields.yaml.
func (t FieldType) String() string { return fieldTypes[t] }

// Field is one thing that events may say.
type Field struct {
	Name     string
	Number   int32 // in nabz.event.v1.Event, never used again
	Type     FieldType
	Personal bool     // an identifier of a customer: a keyed token on Kafka
	Envelope bool     // it stands in the envelope, not among the attributes
	Values   []string // the closed set of a string, or nil
	Max      int      // most characters of a string
	Lines    bool     // line breaks and tabs may stand in it
	Doc      string
}

// Concern says that an event is about the entity that Field names.
type Concern struct {
	Kind  string
	Field *Field
}

// Use is a field as one type uses it.
type Use struct {
	Field    *Field
	Required bool
	Values   []string // the closed set in this type, or nil
}

// Type is one type of event.
type Type struct {
	Name     string
	Family   string
	Doc      string
	Rank     int       // its place among events of one millisecond
	Opener   bool      // it may begin a life of its primary entity
	Clock    bool      // it moves the clock of a feed and concerns no entity
	Concerns []Concern // the first is the primary one and always there
	Required []*Field  // by number
	Optional []*Field  // by number
	uses     []Use     // by number
	byName   map[string]int
}

// Uses gives the fields of the type by number.
func (t *Type) Uses() []Use { return t.uses }

// Use finds a field of the type by name.
func (t *Type) Use(name string) (*Use, bool) {
	i, ok := t.byName[name]
	if !ok {
		return nil, false
	}
	return &t.uses[i], true
}

// Catalogue is every type of event and every field.
type Catalogue struct {
	types    []*Type
	fields   []*Field
	kinds    []string
	byType   map[string]*Type
	byName   map[string]*Field
	byNumber map[int32]*Field
}

// Type finds a type by name.
func (c *Catalogue) Type(name string) (*Type, bool) {
	t, ok := c.byType[name]
	return t, ok
}

// Field finds a field by name.
func (c *Catalogue) Field(name string) (*Field, bool) {
	f, ok := c.byName[name]
	return f, ok
}

// FieldByNumber finds a field by its number.
func (c *Catalogue) FieldByNumber(number int32) (*Field, bool) {
	f, ok := c.byNumber[number]
	return f, ok
}

// Types gives all types by name.
func (c *Catalogue) Types() []*Type { return c.types }

// Fields gives all fields by number.
func (c *Catalogue) Fields() []*Field { return c.fields }

// Kinds gives every kind of entity that an event may concern, by name.
func (c *Catalogue) Kinds() []string { return c.kinds }

// ParseCatalogue reads fields.yaml and the families, all other *.yaml files of
// the folder. Every mistake is an error with file, line and column.
func ParseCatalogue(folder fs.FS) (*Catalogue, error) {
	c := &Catalogue{byType: map[string]*Type{}, byName: map[string]*Field{}, byNumber: map[int32]*Field{}}
	if err := c.parseFields(folder, "fields.yaml"); err != nil {
		return nil, err
	}
	files, err := fs.Glob(folder, "*.yaml")
	if err != nil {
		return nil, fmt.Errorf("list families: %w", err)
	}
	var errs []error
	for _, file := range files {
		if file != "fields.yaml" {
			errs = append(errs, c.parseFamily(folder, file))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	for _, name := range []string{TypeFeedOpened, TypeFeedAdvanced, TypeFeedClosed} {
		if t, ok := c.byType[name]; !ok || !t.Clock {
			return nil, fmt.Errorf("catalogue of events: %s is missing or no clock", name)
		}
	}
	c.index()
	return c, nil
}

func (c *Catalogue) index() {
	kinds := map[string]bool{}
	for _, t := range c.byType {
		c.types = append(c.types, t)
		for _, k := range t.Concerns {
			kinds[k.Kind] = true
		}
	}
	for k := range kinds {
		c.kinds = append(c.kinds, k)
	}
	slices.Sort(c.kinds)
	slices.SortFunc(c.types, func(a, b *Type) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(c.fields, func(a, b *Field) int { return int(a.Number) - int(b.Number) })
}

func (c *Catalogue) parseFields(folder fs.FS, file string) error {
	data, err := fs.ReadFile(folder, file)
	if err != nil {
		return fmt.Errorf("read fields of events: %w", err)
	}
	r, root, err := strictyaml.Open(file, data)
	if err != nil {
		return err
	}
	r.Map(root, strictyaml.Keys{"fields": func(n *yaml.Node) {
		r.Items(n, func(n *yaml.Node) { c.parseField(r, n) })
	}}, "fields")
	return r.Err()
}

func (c *Catalogue) parseField(r *strictyaml.Reader, n *yaml.Node) {
	f := &Field{Max: maxText}
	r.Map(n, strictyaml.Keys{
		"name":   func(n *yaml.Node) { f.Name = word(r, n) },
		"number": func(n *yaml.Node) { f.Number = int32(r.Int(n, 1, 1<<29-1)) },
		"type": func(n *yaml.Node) {
			f.Type = FieldType(slices.Index(fieldTypes, r.OneOf(n, fieldTypes[1:]...)))
		},
		"personal": func(n *yaml.Node) { f.Personal = r.Bool(n) },
		"envelope": func(n *yaml.Node) { f.Envelope = r.Bool(n) },
		"values":   func(n *yaml.Node) { f.Values = r.Texts(n) },
		"max":      func(n *yaml.Node) { f.Max = int(r.Int(n, 1, 1<<16)) },
		"lines":    func(n *yaml.Node) { f.Lines = r.Bool(n) },
		"doc":      func(n *yaml.Node) { f.Doc = r.Text(n) },
	}, "name", "number", "type", "doc")
	switch {
	case f.Type != FieldString && (f.Personal || f.Values != nil):
		r.Errorf(n, "field %s is no string: it has neither values nor a person", f.Name)
	case f.Envelope == (f.Number >= FirstAttr):
		r.Errorf(n, "field %s: the numbers of attributes begin at %d, those below are the envelope's", f.Name, FirstAttr)
	}
	if old, dup := c.byName[f.Name]; dup {
		r.Errorf(n, "field %s is there twice, first as number %d", f.Name, old.Number)
		return
	}
	if old, dup := c.byNumber[f.Number]; dup {
		r.Errorf(n, "number %d of field %s is that of field %s", f.Number, f.Name, old.Name)
		return
	}
	c.fields = append(c.fields, f)
	c.byName[f.Name], c.byNumber[f.Number] = f, f
}

// word reads a name: small letters, digits and underscores.
func word(r *strictyaml.Reader, n *yaml.Node) string {
	s := r.Text(n)
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && c != '_' && (c < '0' || c > '9' || i == 0) {
			r.Errorf(n, "%q is no name: small letters, digits and underscores", s)
			break
		}
	}
	return s
}

package mapping

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/strictyaml"
)

// Zones finds a time zone by its IANA name.
type Zones func(name string) (*time.Location, error)

// parser reads one declaration.
type parser struct {
	*strictyaml.Reader
	m      *Mapping
	cat    *event.Catalogue
	zones  Zones
	names  []string      // of times
	used   map[int]bool  // times that something refers to
	common []commonField // data of all events
}

type commonField struct {
	name  string
	at    *yaml.Node // of the name
	value *yaml.Node
	used  bool
}

// Parse reads a declaration. Every mistake is told with its line and column.
func Parse(file string, data []byte, cat *event.Catalogue, zones Zones) (*Mapping, error) {
	r, root, err := strictyaml.Open(file, data)
	if err != nil {
		return nil, err
	}
	p := &parser{Reader: r, m: &Mapping{file: file, Delimiter: ',', Encoding: "utf-8", Header: true, zone: time.UTC, absent: []string{""}}, cat: cat, zones: zones, used: map[int]bool{}}
	p.parse(root)
	if err := r.Err(); err != nil {
		return nil, err
	}
	return p.m, nil
}

// parse reads the settings at once, then what refers to other parts, in an
// order in which what is referred to is there already.
func (p *parser) parse(root *yaml.Node) {
	m := p.m
	later := map[string]*yaml.Node{}
	hold := func(name string) func(*yaml.Node) {
		return func(n *yaml.Node) { later[name] = n }
	}
	p.Map(root, strictyaml.Keys{
		"mapping":   func(n *yaml.Node) { m.Name = p.Text(n) },
		"doc":       func(n *yaml.Node) { m.Doc = p.Text(n) },
		"source":    func(n *yaml.Node) { m.Source = p.plain(n) },
		"format":    func(n *yaml.Node) { m.Format = p.OneOf(n, CSV, TSV, JSONL) },
		"delimiter": func(n *yaml.Node) { m.Delimiter = p.delimiter(n) },
		"encoding":  func(n *yaml.Node) { m.Encoding = p.OneOf(n, Encodings()...) },
		"header":    func(n *yaml.Node) { m.Header = p.Bool(n) },
		"columns":   func(n *yaml.Node) { m.declared = p.Texts(n) },
		"comment":   func(n *yaml.Node) { m.Comment = p.Text(n) },
		"absent":    func(n *yaml.Node) { m.absent = append(p.Texts(n), "") },
		"normalize": func(n *yaml.Node) { p.normalize(n) },
		"decimal":   func(n *yaml.Node) { m.decimal = p.OneOf(n, ".", ",") },
		"zone":      func(n *yaml.Node) { m.zone = p.zone(n) },
		"identity":  hold("identity"), "times": hold("times"), "skip": hold("skip"), "data": hold("data"), "events": hold("events"),
	}, "mapping", "source", "format", "times", "events")
	if m.Format != JSONL && m.Header == (m.declared != nil) {
		p.Errorf(root, "columns belong to a file with header: false, and to that always")
	}
	m.absent, m.declared = p.cleaned(m.absent), p.cleaned(m.declared)
	p.each(later["identity"], p.identity)
	p.each(later["times"], func(n *yaml.Node) { p.Pairs(n, p.time) })
	p.each(later["skip"], func(n *yaml.Node) { m.skip = p.condition(n) })
	p.each(later["data"], func(n *yaml.Node) {
		p.Pairs(n, func(k, v *yaml.Node) { p.common = append(p.common, commonField{name: k.Value, at: k, value: v}) })
	})
	p.each(later["events"], func(n *yaml.Node) { p.Items(n, p.event) })
	p.finish(later)
}

func (p *parser) each(n *yaml.Node, f func(*yaml.Node)) {
	if n != nil {
		f(n)
	}
}

// finish finds what nothing refers to: more often a slip than a reserve.
func (p *parser) finish(later map[string]*yaml.Node) {
	for _, c := range p.common {
		if !c.used {
			hint := ""
			if _, known := p.cat.Field(c.name); !known {
				hint = strictyaml.Hint(c.name, p.fieldNames())
			}
			p.Errorf(c.at, "no event of the mapping has a field %q%s", c.name, hint)
		}
	}
	if later["times"] == nil || later["times"].Kind != yaml.MappingNode {
		return
	}
	for i, name := range p.names {
		if !p.used[i] {
			p.Errorf(later["times"].Content[2*i], "nothing refers to the time %q", name)
		}
	}
	if later["events"] != nil && len(p.m.events) == 0 && p.Err() == nil {
		p.Errorf(later["events"], "no events")
	}
}

func (p *parser) plain(n *yaml.Node) string {
	s := p.Text(n)
	if n.Kind == yaml.ScalarNode && (s == "" || len(s) > 256 || strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 })) {
		p.Errorf(n, "a text of 1 to 256 characters is expected")
	}
	return s
}

func (p *parser) delimiter(n *yaml.Node) rune {
	s := p.Text(n)
	r, size := utf8.DecodeRuneInString(s)
	if size != len(s) || size == 0 || r == '"' || r == '\n' || r == '\r' {
		p.Errorf(n, "one character is expected, not a quote and not a line break")
	}
	return r
}

func (p *parser) normalize(n *yaml.Node) {
	p.Items(n, func(n *yaml.Node) {
		switch p.OneOf(n, "digits", "letters") {
		case "digits":
			p.m.digits = true
		case "letters":
			p.m.letters = true
		}
	})
}

func (p *parser) zone(n *yaml.Node) *time.Location {
	name := p.Text(n)
	zone, err := p.zones(name)
	if err != nil || name == "" || name == "Local" {
		p.Errorf(n, "no time zone %q: an IANA name is expected, such as Asia/Tehran", name)
		return time.UTC
	}
	return zone
}

func (p *parser) identity(n *yaml.Node) {
	if n.Kind == yaml.ScalarNode {
		p.m.byLine = p.OneOf(n, "row", "line") == "line"
		return
	}
	p.Items(n, func(n *yaml.Node) { p.m.identity = append(p.m.identity, p.column(n)) })
	if n.Kind == yaml.SequenceNode && len(p.m.identity) == 0 {
		p.Errorf(n, "no column")
	}
}

// column gives the index of a column by the name at n.
func (p *parser) column(n *yaml.Node) int {
	name := p.Text(n)
	for i, c := range p.m.columns {
		if c.name == name {
			return i
		}
	}
	if p.m.declared != nil && !slices.Contains(p.m.declared, p.m.clean(name)) {
		p.Errorf(n, "no column %q%s", name, strictyaml.Hint(name, p.m.declared))
	}
	p.m.columns = append(p.m.columns, column{name: name, line: n.Line, column: n.Column})
	return len(p.m.columns) - 1
}

// refer gives the index of a time by the name at n.
func (p *parser) refer(n *yaml.Node) int {
	name := p.Text(n)
	i := slices.Index(p.names, name)
	if i < 0 {
		p.Errorf(n, "no time %q above%s", name, strictyaml.Hint(name, p.names))
		return 0
	}
	p.used[i] = true
	return i
}

func (p *parser) fieldNames() []string {
	var out []string
	for _, f := range p.cat.Fields() {
		out = append(out, f.Name)
	}
	return out
}

func (p *parser) typeNames() []string {
	var out []string
	for _, t := range p.cat.Types() {
		if !t.Clock {
			out = append(out, t.Name)
		}
	}
	return out
}

func (p *parser) event(n *yaml.Node) {
	e := &eventExpr{sequence: int64(len(p.m.events) + 1)}
	own := map[string]bool{}
	var data *yaml.Node
	p.Map(n, strictyaml.Keys{
		"type": func(n *yaml.Node) {
			name := p.Text(n)
			typ, ok := p.cat.Type(name)
			if !ok || typ.Clock {
				p.Errorf(n, "no type of event %q%s", name, strictyaml.Hint(name, p.typeNames()))
				return
			}
			e.typ = typ
		},
		"id":       func(n *yaml.Node) { e.suffix = p.plain(n) },
		"at":       func(n *yaml.Node) { e.at = p.refer(n) },
		"sequence": func(n *yaml.Node) { e.sequence = p.Int(n, 0, event.MaxInt) },
		"when":     func(n *yaml.Node) { e.when = p.condition(n) },
		"data":     func(n *yaml.Node) { data = n },
	}, "type", "at")
	if e.typ == nil {
		return
	}
	if e.suffix == "" {
		_, e.suffix, _ = strings.Cut(e.typ.Name, ".")
	}
	for _, other := range p.m.events {
		if other.suffix == e.suffix {
			p.Errorf(n, "two events of a row have the id %q: give one of them another by the key id", e.suffix)
		}
	}
	if data != nil {
		p.Pairs(data, func(k, v *yaml.Node) {
			own[k.Value] = true
			p.field(e, k, v, true)
		})
	}
	for i := range p.common {
		if c := &p.common[i]; !own[c.name] {
			c.used = p.field(e, c.at, c.value, false) || c.used
		}
	}
	p.complete(n, e, own)
	p.m.events = append(p.m.events, e)
}

// complete checks that the fields are there that the type asks for.
func (p *parser) complete(n *yaml.Node, e *eventExpr, own map[string]bool) {
	for _, f := range e.typ.Required {
		if !slices.ContainsFunc(e.data, func(d fieldExpr) bool { return d.use.Field == f }) && !own[f.Name] {
			p.Errorf(n, "%s needs the field %s", e.typ.Name, f.Name)
		}
	}
	slices.SortFunc(e.data, func(a, b fieldExpr) int { return int(a.use.Field.Number) - int(b.use.Field.Number) })
}

// field reads one member of data and tells whether the type has it.
func (p *parser) field(e *eventExpr, k, v *yaml.Node, must bool) bool {
	u, ok := e.typ.Use(k.Value)
	if !ok {
		if must {
			p.Errorf(k, "%s has no field %q%s", e.typ.Name, k.Value, strictyaml.Hint(k.Value, e.names()))
		}
		return false
	}
	f := fieldExpr{use: u, time: -1}
	switch u.Field.Type {
	case event.FieldTime:
		f.time = p.refer(v)
	case event.FieldDuration:
		f.duration = p.duration(v)
	default:
		f.text = p.text(v)
		p.words(v, f.text, u)
	}
	e.data = append(e.data, f)
	return true
}

// words checks constants against the closed set of a field.
func (p *parser) words(n *yaml.Node, t *textExpr, u *event.Use) {
	if u.Values == nil {
		return
	}
	for _, w := range t.words() {
		if !slices.Contains(u.Values, w) {
			p.Errorf(n, "%q is not one of %s%s", w, strings.Join(u.Values, ", "), strictyaml.Hint(w, u.Values))
		}
	}
}

func (e *eventExpr) names() []string {
	var out []string
	for _, u := range e.typ.Uses() {
		out = append(out, u.Field.Name)
	}
	return out
}

// missing tells where a column was spoken of that the file does not have.
func (m *Mapping) missing(c column, header []string) error {
	return fmt.Errorf("%s:%d:%d: no column %q in the file%s", m.file, c.line, c.column, c.name, strictyaml.Hint(c.name, header))
}

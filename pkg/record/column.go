package record

import (
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/strictyaml"
)

// plain are the sources that need no word more: is: <name>.
var plain = map[string]struct {
	source Source
	typ    fact.Type
}{
	"item": {Item, fact.Text}, "opened": {Opened, fact.Time}, "day": {DayNumber, fact.Count}, "nth": {Nth, fact.Count},
	"since_previous": {SincePrevious, fact.Duration}, "state": {State, fact.Text}, "ended": {Ended, fact.Time}, "next": {Next, fact.Text},
}

// valueTypes are the types of columns that hold what a field says.
var valueTypes = map[event.FieldType]fact.Type{
	event.FieldString: fact.Text, event.FieldInt: fact.Count, event.FieldBool: fact.Bool,
	event.FieldTime: fact.Time, event.FieldDuration: fact.Duration, event.FieldDecimal: fact.Decimal,
}

// reserved are the columns that every table of facts has.
var reserved = []string{"tenant", "feed", "generation", "epoch", "partition", "item", "id", "opened_at", "version", "deleted"}

func (l *loading) columns(n *yaml.Node) {
	l.r.Items(n, func(n *yaml.Node) { l.readColumn(n) })
	if len(l.f.Columns) > maxColumns {
		l.r.Errorf(n, "%d columns, more than %d", len(l.f.Columns), maxColumns)
	}
}

// column finds a column that stands above by its name.
func (l *loading) column(n *yaml.Node) int {
	name := l.r.Text(n)
	i := l.f.Fact.Column(name)
	if i < 0 {
		var known []string
		for _, c := range l.f.Fact.Columns {
			known = append(known, c.Name)
		}
		l.r.Errorf(n, "no column %q stands above%s", name, strictyaml.Hint(name, known))
	}
	return i
}

func (l *loading) readColumn(n *yaml.Node) {
	r, f := l.r, l.f
	var c Column
	fc := fact.Column{}
	sources := 0
	of := func(s Source, read func(n *yaml.Node)) func(*yaml.Node) {
		return func(n *yaml.Node) {
			c.Source = s
			sources++
			read(n)
		}
	}
	field := func(n *yaml.Node) {
		c.Field = l.field(n)
		fc.Type = valueTypes[c.Field.Type]
		fc.Values = c.Field.Values
	}
	types := func(t fact.Type) func(n *yaml.Node) {
		return func(n *yaml.Node) {
			if fc.Type = t; n.Kind != yaml.ScalarNode || r.OneOf(n, "any") == "" {
				c.Types = l.types(n)
			}
		}
	}
	pair := func(n *yaml.Node) { c.From, c.To = l.pair(n) }
	r.Map(n, strictyaml.Keys{
		"number": func(n *yaml.Node) { fc.Number = int32(r.Int(n, 1, 1<<20)) },
		"name":   func(n *yaml.Node) { fc.Name = r.Text(n) },
		"doc":    func(n *yaml.Node) { fc.Doc = r.Text(n) },
		"is": func(n *yaml.Node) {
			sources++
			p := plain[r.OneOf(n, names(plain)...)]
			c.Source, fc.Type = p.source, p.typ
		},
		"of": of(Of, field), "carried": of(Carried, field), "first": of(First, field), "last": of(Last, field), "sum": of(Sum, field),
		"type":     of(Type, func(n *yaml.Node) { fc.Type, fc.Values = fact.Text, l.words(n, &c) }),
		"status":   of(Status, func(n *yaml.Node) { fc.Type, fc.Values = fact.Text, l.words(n, &c) }),
		"count":    of(Count, types(fact.Count)),
		"first_at": of(FirstAt, types(fact.Time)), "last_at": of(LastAt, types(fact.Time)),
		"span":       of(Span, func(n *yaml.Node) { pair(n); fc.Type = fact.Duration }),
		"minus":      of(Minus, pair),
		"until_next": of(UntilNext, func(n *yaml.Node) { c.WithinMs, fc.Type = l.span(n), fact.Duration }),
		"types":      func(n *yaml.Node) { c.Types = l.types(n) },
		"negate":     func(n *yaml.Node) { c.Negate = l.types(n) },
		"where":      func(n *yaml.Node) { c.Where = l.where(n) },
	}, "number", "name", "doc")
	if sources != 1 {
		r.Errorf(n, "column %s needs one source (is, of, carried, first, last, sum, type, status, count, first_at, last_at, span, minus or until_next)", fc.Name)
		return
	}
	l.complete(n, &c, &fc)
	l.check(n, &c, &fc)
	f.Columns, f.Fact.Columns = append(f.Columns, c), append(f.Fact.Columns, fc)
}

// complete gives a column what follows from its source.
func (l *loading) complete(n *yaml.Node, c *Column, fc *fact.Column) {
	switch c.Source {
	case Minus:
		if c.From < 0 || c.To < 0 {
			return
		}
		fc.Type = l.f.Fact.Columns[c.From].Type
		if fc.Type != l.f.Fact.Columns[c.To].Type || fc.Type != fact.Count && fc.Type != fact.Decimal {
			l.r.Errorf(n, "%s: two whole numbers or two decimals are expected", fc.Name)
		}
	case Span:
		if c.From >= 0 && c.To >= 0 && (l.f.Fact.Columns[c.From].Type != fact.Time || l.f.Fact.Columns[c.To].Type != fact.Time) {
			l.r.Errorf(n, "%s: two instants are expected", fc.Name)
		}
	case State:
		fc.Values = []string{Open, Closed}
		if l.f.Mode == Stay {
			fc.Values = append(fc.Values, fact.LostText)
		}
	case Sum:
		if fc.Type != fact.Count && fc.Type != fact.Decimal && fc.Type != fact.Duration {
			l.r.Errorf(n, "%s: a %s cannot be added up", fc.Name, c.Field.Type)
		}
	case Next:
		fc.Values = nil
	default:
	}
}

// check refuses what the mode of the family has no meaning for.
func (l *loading) check(n *yaml.Node, c *Column, fc *fact.Column) {
	f, r := l.f, l.r
	only := func(what string, modes ...Mode) {
		if !slices.Contains(modes, f.Mode) {
			r.Errorf(n, "%s: %s", fc.Name, what)
		}
	}
	switch c.Source {
	case First, Last, Sum, Count, FirstAt, LastAt:
		only("where each event is a fact there is nothing to add up: write of", Life, Gap, Day, Stay)
	case Status:
		only("a status is that of a life", Life)
	case UntilNext, SincePrevious, Nth:
		only("a life is the only one of its item", Each, Gap, Day, Stay)
	case Ended, Next:
		only("it is a stay that ends by another", Stay)
	case State:
		if _, waits := f.Waits(); !waits {
			only("no such fact is ever open: a state belongs to gap, stay or until_next (which stands above it)", Gap, Stay)
		}
	default:
	}
	if len(c.Negate) > 0 && (c.Source != Of && c.Source != Sum || fc.Type != fact.Count && fc.Type != fact.Decimal) {
		r.Errorf(n, "%s: negate is of numbers", fc.Name)
	}
	if (c.Types != nil || c.Where != nil) && !slices.Contains([]Source{Carried, First, Last, Sum, Count, FirstAt, LastAt}, c.Source) {
		r.Errorf(n, "%s: types and where are of columns that are made of several events", fc.Name)
	}
	if f.Mode == Gap || f.Mode == Day {
		for _, t := range append(slices.Clone(c.Types), c.Negate...) {
			if c.Source != Carried && !slices.Contains(f.Types, t) {
				r.Errorf(n, "%s: %s is none of the family's types", fc.Name, t)
			}
		}
	}
	l.used(n, c, fc)
	if !word(fc.Name) || slices.Contains(reserved, fc.Name) {
		r.Errorf(n, "%q is no name for a column", fc.Name)
	}
	for _, other := range f.Fact.Columns {
		if other.Name == fc.Name || other.Number == fc.Number {
			r.Errorf(n, "name %s or number %d is there twice", fc.Name, fc.Number)
		}
	}
}

// used refuses a field that none of the events carries.
func (l *loading) used(n *yaml.Node, c *Column, fc *fact.Column) {
	types := c.Types
	if types == nil && (c.Source == Of || l.f.Mode == Gap || l.f.Mode == Day) && c.Source != Carried {
		types = l.f.Types
	}
	if c.Field == nil || types == nil {
		return
	}
	for _, name := range types {
		if t, ok := l.cat.Type(name); ok {
			if _, uses := t.Use(c.Field.Name); uses {
				return
			}
		}
	}
	l.r.Errorf(n, "%s: none of its events carries %s", fc.Name, c.Field.Name)
}

func (l *loading) pair(n *yaml.Node) (from, to int) {
	out := []int{-1, -1}
	i := 0
	l.r.Items(n, func(n *yaml.Node) {
		if i < len(out) {
			out[i] = l.column(n)
		}
		i++
	})
	if i != len(out) {
		l.r.Errorf(n, "two columns are expected")
	}
	return out[0], out[1]
}

// words reads event types with what a column says of each.
func (l *loading) words(n *yaml.Node, c *Column) (values []string) {
	l.r.Pairs(n, func(k, n *yaml.Node) {
		l.types(&yaml.Node{Kind: yaml.SequenceNode, Line: k.Line, Column: k.Column, Content: []*yaml.Node{k}})
		w := Word{k.Value, l.r.Text(n)}
		if !word(w.Text) {
			l.r.Errorf(n, "%q is no word", w.Text)
		}
		if c.Source == Status && w.Text == fact.LostText {
			l.r.Errorf(n, "%q says that nothing was heard for too long; take another word", w.Text)
		}
		if !slices.Contains(values, w.Text) {
			values = append(values, w.Text)
		}
		c.Words = append(c.Words, w)
	})
	return values
}

func names[V any](m map[string]V) (out []string) {
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

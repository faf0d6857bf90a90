package mapping

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/source"
)

// Plan is a mapping on a file: where each column stands.
type Plan struct {
	m     *Mapping
	index []int // column of the mapping: place in a row
	width int   // columns of the file
}

// Bind finds the mapping's columns in the header of a file.
func (m *Mapping) Bind(header []string) (*Plan, error) {
	p := &Plan{m: m, width: len(header)}
	var errs []error
	clean := make([]string, len(header))
	for i, name := range header {
		if !m.decoded(name) {
			return nil, fmt.Errorf("%s: the header of the file is not valid in the encoding %s: name the right one under encoding, such as windows-1252", m.file, m.Encoding)
		}
		clean[i] = m.clean(name)
	}
	for _, c := range m.columns {
		names, name := header, c.name
		i := slices.Index(names, name)
		if i < 0 {
			names, name = clean, m.clean(c.name)
			i = slices.Index(names, name)
		}
		switch {
		case i < 0:
			errs = append(errs, m.missing(c, clean))
		case slices.Contains(names[i+1:], name):
			errs = append(errs, fmt.Errorf("%s:%d:%d: two columns %q in the file; with header: false, all columns can be named anew", m.file, c.line, c.column, c.name))
		}
		p.index = append(p.index, i)
	}
	return p, errors.Join(errs...)
}

// decoded tells whether a text was valid in the encoding of the file: what was
// not came as U+FFFD, and of UTF-8 as it is.
func (m *Mapping) decoded(s string) bool {
	return utf8.ValidString(s) && (m.Encoding == "utf-8" || !strings.ContainsRune(s, utf8.RuneError))
}

// Row gives the events of one row. Those of a row that is skipped are none. A
// row with an error gives no event at all.
func (p *Plan) Row(line int, values []string) ([]source.Event, *source.RowError) {
	if err := p.fits(line, values); err != nil {
		return nil, err
	}
	r := &row{plan: p, line: line, values: values, times: make([]instant, len(p.m.times))}
	if p.m.skip != nil && p.m.skip.holds(r) {
		return nil, r.err
	}
	var out []source.Event
	for _, e := range p.m.events {
		if !e.when.holds(r) {
			continue
		}
		if ev := r.event(e); r.err == nil {
			out = append(out, ev)
		}
	}
	if r.err != nil {
		return nil, r.err
	}
	return out, nil
}

// fits holds a row's columns against the header's. Some switches end each row
// with a delimiter; a word more than there are columns says that a delimiter
// stands unquoted in a value, and the columns behind it are not what they seem.
func (p *Plan) fits(line int, values []string) *source.RowError {
	extra := values[min(len(values), p.width):]
	if len(values) >= p.width && !slices.ContainsFunc(extra, func(s string) bool { return strings.TrimSpace(s) != "" }) {
		return nil
	}
	text := "the row has " + strconv.Itoa(len(values)) + " columns, the header " + strconv.Itoa(p.width)
	if slices.ContainsFunc(values, func(s string) bool { return strings.Contains(s, "\n") }) {
		text += "; is there a quote that does not close?"
	}
	return &source.RowError{Line: line, Text: text}
}

// instant is a time of a row, once it was asked for.
type instant struct {
	asked, known bool
	ms           int64
}

// row is one row being read. The first error stands.
type row struct {
	plan   *Plan
	line   int
	values []string
	times  []instant
	ident  string
	err    *source.RowError
}

func (r *row) fail(column int, text string) {
	if r.err == nil {
		r.err = &source.RowError{Line: r.line, Text: text}
		if column >= 0 {
			r.err.Column = r.plan.m.columns[column].name
		}
	}
}

// raw gives the text of a column, cleaned.
func (r *row) raw(column int) string {
	s := r.values[r.plan.index[column]]
	if len(s) > maxValue {
		r.fail(column, "longer than a value may be")
		return ""
	}
	if !r.plan.m.decoded(s) {
		r.fail(column, "not valid in the encoding")
		return ""
	}
	return r.plan.m.clean(s)
}

// value gives the text of a column, unless it stands for nothing.
func (r *row) value(column int) (string, bool) {
	s := r.raw(column)
	return s, !slices.Contains(r.plan.m.absent, s)
}

// time gives a named time, evaluated once a row.
func (r *row) time(i int) (int64, bool) {
	t := &r.times[i]
	if !t.asked {
		t.asked = true
		t.ms, t.known = r.plan.m.times[i].eval(r)
	}
	return t.ms, t.known
}

// id names the row: by its identity columns, by its line, or by its content.
func (r *row) id() string {
	if r.ident != "" {
		return r.ident
	}
	m := r.plan.m
	switch {
	case m.byLine:
		r.ident = "line-" + strconv.Itoa(r.line)
	case len(m.identity) > 0:
		words := make([]string, len(m.identity))
		for i, c := range m.identity {
			// The separator is escaped, so that no two rows share an id.
			words[i] = escape.Replace(r.raw(c))
		}
		r.ident = strings.Join(words, "/")
	default:
		sum := sha256.Sum256([]byte(strings.Join(r.values, "\x00")))
		r.ident = hex.EncodeToString(sum[:12])
	}
	if len(r.ident) > maxIdentity {
		sum := sha256.Sum256([]byte(r.ident))
		r.ident = hex.EncodeToString(sum[:16])
	}
	return r.ident
}

// maxIdentity leaves room for the suffix within the 256 characters of an id.
const maxIdentity = 192

var escape = strings.NewReplacer("%", "%25", "/", "%2F", ":", "%3A")

func (r *row) event(e *eventExpr) source.Event {
	m := r.plan.m
	out := source.Event{Type: e.typ.Name, Source: m.Source, ID: r.id() + ":" + e.suffix, Sequence: e.sequence}
	var ok bool
	if out.Time, ok = r.time(e.at); !ok {
		r.failTime(e.at, e.typ.Name)
		return out
	}
	r.checkTime(e.at, out.Time)
	for i := range e.data {
		f := &e.data[i]
		value, ok := r.member(f)
		if ok {
			out.Data = append(out.Data, source.Member{Name: f.use.Field.Name, JSON: value})
		} else if f.use.Required {
			r.fail(f.column(), e.typ.Name+" needs the field "+f.use.Field.Name+", and there is none")
		}
	}
	return out
}

// Times that events may have, in ms since 1970 UTC: the years 1971 to 2105.
const leastTime, endOfTime = 31_536_000_000, 4_291_747_200_000

// checkTime refuses what is more often a number of another unit than a time.
func (r *row) checkTime(i int, ms int64) {
	if ms < leastTime || ms >= endOfTime {
		r.fail(r.columnOf(i), "the time is not of the years 1971 to 2105; is its format another?")
	}
}

// columnOf gives the column that a time is made of.
func (r *row) columnOf(i int) int {
	t := r.plan.m.times[i]
	for t.base >= 0 {
		t = r.plan.m.times[t.base]
	}
	return t.column
}

// failTime tells which column an event's time was missing from.
func (r *row) failTime(i int, typ string) {
	t := r.plan.m.times[i]
	for t.base >= 0 {
		if _, ok := r.time(t.base); ok {
			d := t.plus
			if d == nil {
				d = t.minus
			}
			r.fail(d.column, typ+" has no time: the column is empty")
			return
		}
		t = r.plan.m.times[t.base]
	}
	r.fail(t.column, typ+" has no time: the column is empty")
}

func (f *fieldExpr) column() int {
	if f.text != nil {
		return f.text.column
	}
	if f.duration != nil {
		return f.duration.column
	}
	return -1
}

// member gives a value as JSON, or that there is none.
func (r *row) member(f *fieldExpr) (string, bool) {
	switch {
	case f.duration != nil:
		ms, ok := f.duration.eval(r)
		if ok && ms < 0 {
			r.fail(f.duration.column, "a negative duration")
		}
		return strconv.FormatInt(ms, 10), ok
	case f.time >= 0:
		ms, ok := r.time(f.time)
		if ok {
			r.checkTime(f.time, ms)
		}
		return `"` + formatTime(ms) + `"`, ok
	}
	s, ok := f.text.eval(r)
	if !ok {
		return "", false
	}
	return r.typed(f, s)
}

// typed writes a text by the type of its field.
func (r *row) typed(f *fieldExpr, s string) (string, bool) {
	switch f.use.Field.Type {
	case event.FieldBool:
		switch strings.ToLower(s) {
		case "true", "1", "yes", "y":
			return "true", true
		case "false", "0", "no", "n":
			return "false", true
		}
		r.fail(f.text.column, "no yes or no: true, 1, yes, false, 0 or no is expected; translate other words by values")
		return "", false
	case event.FieldInt, event.FieldDecimal:
		v, ok := r.plan.m.number(s)
		whole := f.use.Field.Type == event.FieldInt
		if !ok || whole && v%event.DecimalScale != 0 {
			r.fail(f.text.column, "no number")
			return "", false
		}
		if whole {
			return strconv.FormatInt(v/event.DecimalScale, 10), true
		}
		return `"` + formatDecimal(v) + `"`, true
	default: // a text
	}
	if u := f.use; u.Values != nil && !slices.Contains(u.Values, s) {
		r.fail(f.text.column, u.Field.Name+" is not one of "+strings.Join(u.Values, ", ")+"; translate it by values")
		return "", false
	}
	if utf8.RuneCountInString(s) > f.use.Field.Max {
		r.fail(f.text.column, "longer than the field "+f.use.Field.Name+" may be")
		return "", false
	}
	b, err := json.Marshal(s)
	if err != nil {
		r.fail(f.text.column, "no text")
		return "", false
	}
	return string(b), true
}

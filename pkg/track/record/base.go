package record

import (
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/fact"
)

// How a value stands in a base.
const (
	baseUnknown = iota
	baseNumber
	baseText
)

// encode writes what goes on; of an item that has not begun it is empty.
func (t *Tracker) encode() string {
	if !t.begun {
		return ""
	}
	b := number(nil, t.last)
	for i := range t.carried {
		b = appendValue(b, t.carried[i].value)
	}
	for i := range t.families {
		f := &t.families[i]
		b = number(number(number(b, f.made), f.previous), int64(len(f.groups)))
		for j := range f.groups {
			g := &f.groups[j]
			b = append(b, g.id[:]...)
			flags := protowire.EncodeBool(g.over) | protowire.EncodeBool(g.waits)<<1
			for _, n := range [...]int64{g.opened, g.last - g.opened, g.until, int64(flags)} {
				b = number(b, n)
			}
			b = protowire.AppendString(b, g.key)
			for _, v := range g.values {
				b = appendValue(b, v)
			}
		}
	}
	return string(b)
}

func number(b []byte, n int64) []byte { return protowire.AppendVarint(b, protowire.EncodeZigZag(n)) }

func appendValue(b []byte, v fact.Value) []byte {
	switch {
	case !v.Set:
		return append(b, baseUnknown)
	case v.Text != "":
		return protowire.AppendString(append(b, baseText), v.Text)
	}
	return number(append(b, baseNumber), v.Int)
}

// decode reads what encode wrote. A base that it did not write is a fault that
// panics, which refuses the record.
func (t *Tracker) decode(s string) {
	if s == "" {
		return
	}
	r := reader{s}
	t.begun, t.last = true, r.number()
	for i := range t.carried {
		t.carried[i].value = r.value()
	}
	for i := range t.families {
		f := &t.families[i]
		f.made, f.previous = r.number(), r.number()
		for range r.number() {
			if len(f.groups) == cap(f.groups) {
				f.groups = append(f.groups, group{})
			} else {
				f.groups = f.groups[:len(f.groups)+1]
			}
			g := &f.groups[len(f.groups)-1]
			values := g.values
			*g = group{}
			r.s = r.s[copy(g.id[:], r.s[:len(g.id)]):]
			g.opened = r.number()
			g.last = g.opened + r.number()
			g.until = r.number()
			flags := r.number()
			g.over, g.waits = flags&1 != 0, flags&2 != 0
			g.key = r.text()
			g.values = blank(values, len(f.Columns))
			for k := range g.values {
				g.values[k] = r.value()
			}
		}
	}
}

// reader takes a base apart.
type reader struct{ s string }

func (r *reader) number() int64 {
	v, n := event.ReadVarint(r.s)
	r.s = r.s[n:]
	return protowire.DecodeZigZag(v)
}

func (r *reader) text() string {
	v, n := event.ReadText(r.s)
	r.s = r.s[n:]
	return v
}

func (r *reader) value() fact.Value {
	how := r.s[0]
	r.s = r.s[1:]
	switch how {
	case baseNumber:
		return fact.Int(r.number())
	case baseText:
		return fact.Str(r.text())
	}
	return fact.Value{}
}

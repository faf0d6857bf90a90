package pane

import (
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/kpi"
)

// State keys of a set: its prefix, then one of these, then the group's key;
// a pane adds its grain and start.
const (
	stateGroup = 'g'
	statePane  = 'p'
)

// StateKey is of [statelog.Entry].
func (g *group) StateKey(dst []byte) []byte {
	return append(append(append(dst, g.prefix...), stateGroup), g.key...)
}

// StateValue is of [statelog.Entry]: a group is only known or not.
func (g *group) StateValue(dst []byte) []byte { return dst }

// StateKey is of [statelog.Entry].
func (p *Pane) StateKey(dst []byte) []byte {
	dst = append(append(dst, p.group.prefix...), statePane)
	dst = protowire.AppendString(dst, p.group.key)
	dst = append(dst, byte(p.grain))
	return protowire.AppendVarint(dst, protowire.EncodeZigZag(p.bucket))
}

// StateValue is of [statelog.Entry].
func (p *Pane) StateValue(dst []byte) []byte {
	dst = protowire.AppendVarint(dst, uint64(p.incarnation))
	dst = protowire.AppendVarint(dst, uint64(p.version))
	dst = protowire.AppendVarint(dst, protowire.EncodeZigZag(p.changedAt))
	cell := func(id uint32, v int64) {
		dst = protowire.AppendFixed32(dst, id)
		dst = protowire.AppendVarint(dst, protowire.EncodeZigZag(v))
	}
	for i, v := range p.values {
		if v != 0 && !slices.Contains(p.group.layout.tops, i) {
			cell(p.group.layout.ids[i], v)
		}
	}
	if p.extra == nil {
		return dst
	}
	for _, c := range p.extra.cells {
		cell(c.Part, c.Value)
	}
	// Of an extreme all tops, and what was left out as a negative number.
	for i, x := range p.extra.extremes {
		id := p.group.layout.ids[p.group.layout.tops[i]]
		for _, v := range x.tops {
			cell(id, v)
		}
		if x.bound != 0 {
			cell(id, -x.bound)
		}
	}
	return dst
}

// ErrState is what errors of [Set.Restore] are.
var ErrState = errors.New("malformed pane state")

// Restore takes in one entry of a state log; key is without the set's prefix.
// Groups and panes may come in any order.
func (s *Set) Restore(key, value string) error {
	if len(key) == 0 {
		return fmt.Errorf("%w: empty key", ErrState)
	}
	switch key[0] {
	case stateGroup:
		g, err := s.restoreGroup(key[1:])
		if err != nil {
			return err
		}
		s.keep.Adopt(&g.node, g)
		return nil
	case statePane:
		return s.restorePane(key[1:], value)
	}
	return fmt.Errorf("%w: key %q", ErrState, key)
}

func (s *Set) restoreGroup(key string) (*group, error) {
	if g := s.groups[key]; g != nil {
		return g, nil
	}
	_, n := event.ReadText(key)
	if n < 0 {
		return nil, fmt.Errorf("%w: tenant of group %q", ErrState, key)
	}
	family, m := event.ReadText(key[n:])
	l := s.layout(family)
	if m < 0 || l == nil {
		return nil, fmt.Errorf("%w: group %q is of no family", ErrState, key)
	}
	rest := key[n+m:]
	for range l.dims {
		_, n := event.ReadText(rest)
		if n < 0 {
			return nil, fmt.Errorf("%w: dimensions of group %q", ErrState, key)
		}
		rest = rest[n:]
	}
	return s.register(key, l), nil
}

func (s *Set) layout(family string) *Layout {
	for f, l := range s.layouts {
		if f.Name == family {
			return l
		}
	}
	return nil
}

func (s *Set) restorePane(key, value string) error {
	gkey, n := event.ReadText(key)
	if n < 0 || len(key) < n+2 {
		return fmt.Errorf("%w: pane key %q", ErrState, key)
	}
	g, err := s.restoreGroup(gkey)
	if err != nil {
		return err
	}
	bucket, m := event.ReadVarint(key[n+1:])
	if m < 0 || int(key[n]) >= grains {
		return fmt.Errorf("%w: pane key %q", ErrState, key)
	}
	p := &Pane{
		group: g, grain: int32(key[n]), bucket: protowire.DecodeZigZag(bucket), touched: -1,
		values: make([]int64, len(g.layout.ids)),
	}
	if err := p.restore([]byte(value)); err != nil {
		return err
	}
	g.put(p)
	s.ends.push(p)
	s.keep.Adopt(&p.node, p)
	if s.waits(p) {
		s.soil(p) // rows are flushed before state is written, but for those that wait
	}
	return nil
}

func (p *Pane) restore(b []byte) error {
	incarnation, n := protowire.ConsumeVarint(b)
	if n < 0 {
		return fmt.Errorf("%w: incarnation", ErrState)
	}
	version, m := protowire.ConsumeVarint(b[n:])
	if m < 0 {
		return fmt.Errorf("%w: version", ErrState)
	}
	changed, o := protowire.ConsumeVarint(b[n+m:])
	if o < 0 {
		return fmt.Errorf("%w: instant of change", ErrState)
	}
	p.incarnation, p.version, p.changedAt = int64(incarnation), int64(version), protowire.DecodeZigZag(changed)
	for b = b[n+m+o:]; len(b) > 0; {
		id, n := protowire.ConsumeFixed32(b)
		if n < 0 {
			return fmt.Errorf("%w: part", ErrState)
		}
		v, m := protowire.ConsumeVarint(b[n:])
		if m < 0 {
			return fmt.Errorf("%w: value of part %d", ErrState, id)
		}
		b = b[n+m:]
		p.restoreCell(id, protowire.DecodeZigZag(v))
	}
	return nil
}

func (p *Pane) restoreCell(id uint32, v int64) {
	l := p.group.layout
	i := slices.Index(l.ids, id)
	switch {
	case i >= 0 && slices.Contains(l.tops, i):
		x := p.extreme(i)
		if v > 0 {
			x.in(v)
		} else {
			x.bound = -v
		}
		p.values[i] = x.greatest()
	case i >= 0:
		p.values[i] = v
	default:
		for _, first := range l.hists {
			if id&^(kpi.Buckets-1) == first {
				p.count(id, v)
			}
		}
	}
}

// Reopen follows a fact of a restored item again if it is open.
func (s *Set) Reopen(tenant string, f *fact.Fact) {
	l := s.layouts[f.Family]
	if l == nil {
		return
	}
	for level, measure := range l.levels {
		if x := s.stretch(l, measure, f); x.ok && x.open {
			s.follow(opening{s.group(tenant, l, f), level, x.from, true})
		}
	}
	for _, g := range s.made {
		s.keep.Touch(&g.node, g)
	}
	s.made = s.made[:0]
}

// Drop takes the whole set out of the state, when a feed begins anew.
func (s *Set) Drop() {
	s.ends.each(func(p *Pane) { s.keep.Drop(&p.node) })
	for _, g := range s.groups {
		s.keep.Drop(&g.node)
	}
}

package pane

import (
	"cmp"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/statelog"
)

// group is one combination of dimensions of one tenant and family.
type group struct {
	key    string
	tenant string
	layout *Layout
	dims   []string
	panes  [grains][]slot // ascending by their start
	route  string         // tenant and family
	open   []begins       // by level: when each fact that is still open began
	active int            // place in Set.active, or -1
	keepMs int64          // how long after its end a pane of it stays
	prefix string         // of the state keys of its set
	node   statelog.Node
}

// slot is a pane with its start beside it, so that a search reads no pane.
type slot struct {
	bucket int64
	pane   *Pane
}

// group finds or plans the group of a fact. A group once known stays known, so
// a fact is taken from where it was added.
func (s *Set) group(tenant string, l *Layout, f *fact.Fact) *group {
	b := protowire.AppendString(s.keyBuf[:0], tenant)
	b = protowire.AppendString(b, l.Family.Name)
	at := len(b)
	for _, d := range l.dims {
		b = protowire.AppendString(b, f.Values[d].Text)
	}
	if s.groups[string(b)] == nil && s.count[string(b[:at])] >= MaxGroups {
		b = b[:at]
		for range l.dims {
			b = protowire.AppendString(b, Other)
		}
	}
	s.keyBuf = b
	if g := s.groups[string(b)]; g != nil {
		return g
	}
	g := s.register(string(b), l)
	s.made = append(s.made, g)
	return g
}

// register makes the group of a key. Its words are parts of the key, for those
// of a fact would hold on to the memory of a whole item.
func (s *Set) register(key string, l *Layout) *group {
	g := &group{
		key: key, layout: l, dims: make([]string, len(l.dims)), prefix: s.prefix,
		open: make([]begins, len(l.levels)), active: -1, keepMs: s.keepMs[l.Family.Kind],
	}
	tenant, n := event.ReadText(key)
	_, m := event.ReadText(key[n:])
	g.tenant, g.route = tenant, tenant+"\x00"+l.Family.Name
	head := key[:n+m]
	rest := key[n+m:]
	for i := range g.dims {
		g.dims[i], n = event.ReadText(rest)
		rest = rest[n:]
	}
	s.groups[key] = g
	s.count[head]++
	return g
}

// forget takes back the groups that a discarded step registered.
func (s *Set) forget() {
	for _, g := range s.made {
		delete(s.groups, g.key)
		_, n := event.ReadText(g.key)
		_, m := event.ReadText(g.key[n:])
		s.count[g.key[:n+m]]--
	}
	s.made = s.made[:0]
}

// place gives the place of a pane in its group, and whether it is there. It is
// mostly one of the newest.
func (g *group) place(grain int, bucket int64) (int, bool) {
	list := g.panes[grain]
	i := len(list)
	for i > 0 && i > len(list)-4 && list[i-1].bucket > bucket {
		i--
	}
	if i == 0 || list[i-1].bucket < bucket {
		return i, false
	}
	if list[i-1].bucket == bucket {
		return i - 1, true
	}
	return slices.BinarySearchFunc(list[:i], bucket, func(x slot, bucket int64) int { return cmp.Compare(x.bucket, bucket) })
}

func (g *group) find(grain int, bucket int64) *Pane {
	if i, there := g.place(grain, bucket); there {
		return g.panes[grain][i].pane
	}
	return nil
}

func (g *group) put(p *Pane) {
	i, _ := g.place(int(p.grain), p.bucket)
	g.panes[p.grain] = slices.Insert(g.panes[p.grain], i, slot{p.bucket, p})
}

// leave takes a pane out of its group.
func (p *Pane) leave() {
	list := &p.group.panes[p.grain]
	if i, there := slices.BinarySearchFunc(*list, p.bucket, func(x slot, bucket int64) int { return cmp.Compare(x.bucket, bucket) }); there {
		*list = slices.Delete(*list, i, i+1)
	}
}

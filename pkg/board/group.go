package board

import (
	"cmp"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/nabz/nabz/pkg/kpi"
	"github.com/nabz/nabz/pkg/pane"
	"github.com/nabz/nabz/pkg/row"
)

// family is the panes of one family of one tenant.
type family struct {
	tenant string
	plan   *plan
	groups map[string]*group // by dimensions
	cubes  map[string]*cube  // by scope and dimensions
	counts map[*scope]int    // of them
}

// group is one combination of dimensions, or all that are above MaxGroups.
type group struct {
	key   string
	dims  []string
	rows  [grains]map[int64][]paneRow // by bucket, in the order of their keys
	cubes []*cube
}

// paneRow is the newest row of one pane. The task and the incarnation are what
// tells the rows of a bucket apart, and the dimensions where the group holds
// several.
type paneRow struct {
	partition   int32
	incarnation int64
	dims        string
	version     int64
	cells       []cell
}

// cell is a number of a pane, and where totals keep it.
type cell struct {
	value int64
	part  uint32
	spot  kpi.Spot
}

// cells finds the spots of a row's cells, in the memory of those of an earlier
// one, which mostly has the same parts. Those of measures that are not defined
// here are passed over.
func (p *plan) cells(was []cell, from []row.Cell) []cell {
	out := was[:0]
	for _, c := range from {
		n := len(out)
		if n < len(was) && was[n].part == c.Part {
			out = was[:n+1]
			out[n].value = c.Value
		} else if spot, ok := p.empty.Spot(c.Part); ok {
			out = append(out, cell{c.Value, c.Part, spot})
		}
	}
	return out
}

func compareRows(a paneRow, b *paneRow) int {
	return cmp.Or(cmp.Compare(a.partition, b.partition), cmp.Compare(a.incarnation, b.incarnation), strings.Compare(a.dims, b.dims))
}

// pane takes a row in that no window has let go of.
func (b *Board) pane(r *row.Pane) {
	grain, p := bucketGrain(r), b.plans[r.Family]
	if p == nil || grain < 0 || len(r.Dims) != p.dims || r.Bucket < b.bounds[grain] {
		return
	}
	name := joined(r.Tenant, r.Family)
	f := b.families[name]
	if f == nil {
		f = &family{tenant: r.Tenant, plan: p, groups: map[string]*group{}, cubes: map[string]*cube{}, counts: map[*scope]int{}}
		b.families[name] = f
	}
	x := paneRow{partition: r.Partition, incarnation: r.Incarnation, version: r.Version}
	g := b.group(f, r, grain, &x)
	list, known := g.rows[grain][r.Bucket]
	i, there := slices.BinarySearchFunc(list, &x, compareRows)
	switch {
	case !there:
		list = slices.Insert(list, i, x)
		g.rows[grain][r.Bucket] = list
	case x.version <= list[i].version:
		return
	}
	b.was = append(b.was[:0], list[i].cells...)
	list[i].version, list[i].cells = x.version, p.cells(list[i].cells, r.Cells)
	b.changes = changes(b.changes[:0], b.was, list[i].cells)
	for _, c := range g.cubes {
		s := b.mark(c, grain, r.Bucket)
		if !known {
			s.members = append(s.members, g)
		}
		s.replace(b.changes)
	}
}

// mark says that a bucket of a cube adds up to something else now.
func (b *Board) mark(c *cube, grain int, bucket int64) *slot {
	s := c.slots[grain][bucket]
	if s == nil {
		s = &slot{totals: c.family.plan.empty.Empty()}
		c.slots[grain][bucket] = s
	}
	if !s.changed {
		s.changed = true
		c.changed[grain] = append(c.changed[grain], bucket)
	}
	b.touch(c)
	return s
}

// change is a cell of a row that had another value before; 0 is none.
type change struct {
	spot     kpi.Spot
	was, now int64
}

// changes gives the cells of a row that were others. Those of was are used up.
func changes(out []change, was, now []cell) []change {
	next := 0 // mostly it has the same parts in the same order
	for _, c := range now {
		if next >= len(was) || was[next].part != c.part {
			next = slices.IndexFunc(was, func(w cell) bool { return w.part == c.part })
		}
		before := int64(0)
		if next >= 0 {
			before, was[next].value = was[next].value, 0
		}
		if next++; before != c.value {
			out = append(out, change{c.spot, before, c.value})
		}
	}
	for _, w := range was {
		if w.value != 0 {
			out = append(out, change{w.spot, w.value, 0})
		}
	}
	return out
}

// replace puts changes of a row in. Where they cannot be told from the totals,
// those are to be made anew.
func (s *slot) replace(all []change) {
	for _, c := range all {
		if s.stale {
			return
		}
		s.stale = !s.totals.Replace(c.spot, c.was, c.now)
	}
}

func (b *Board) touch(c *cube) {
	if !c.stale || c.ticked {
		c.stale, c.ticked = true, false
		b.enlist(c)
	}
}

// group finds the group of a row. Above the bound it is that of the rest; what
// was put there stays there, or a correction would count beside what it
// corrects.
func (b *Board) group(f *family, r *row.Pane, grain int, x *paneRow) *group {
	key := joined(r.Dims...)
	g := f.groups[key]
	rest := f.groups[otherKey(f.plan.dims)]
	full := g == nil && len(f.groups) >= MaxGroups
	if rest == nil && !full {
		if g == nil {
			g = b.register(f, r.Dims)
		}
		return g
	}
	if rest == nil {
		rest = b.register(f, otherDims(f.plan.dims))
	}
	x.dims = key
	list := rest.rows[grain][r.Bucket]
	if _, there := slices.BinarySearchFunc(list, x, compareRows); there || full {
		return rest
	}
	x.dims = ""
	if g == nil {
		g = b.register(f, r.Dims)
	}
	return g
}

func otherDims(n int) []string {
	return slices.Repeat([]string{pane.Other}, n)
}

func otherKey(n int) string { return joined(otherDims(n)...) }

// joined makes one key of words, each behind its length.
func joined(words ...string) string {
	var b []byte
	for _, w := range words {
		b = protowire.AppendString(b, w)
	}
	return string(b)
}

// register makes a group and puts it into the cubes that it is a part of.
func (b *Board) register(f *family, dims []string) *group {
	g := &group{key: joined(dims...), dims: dims}
	for i := range g.rows {
		g.rows[i] = map[int64][]paneRow{}
	}
	f.groups[g.key] = g
	for _, s := range f.plan.scopes {
		kept := make([]string, len(s.at))
		for i, at := range s.at {
			kept[i] = dims[at]
		}
		key := joined(joined(s.names...), joined(kept...))
		c := f.cubes[key]
		if c == nil {
			c = newCube(f, s, key, kept)
			f.cubes[key] = c
			f.counts[s]++
			b.cubes = append(b.cubes, c)
		}
		c.members = append(c.members, g)
		g.cubes = append(g.cubes, c)
	}
	return g
}

// drop takes the rows of a task out: it has begun to compute anew.
func (b *Board) drop(partition int32) {
	for _, f := range b.families {
		for _, g := range f.groups {
			for grain := range g.rows {
				for bucket, list := range g.rows[grain] {
					n := len(list)
					list = slices.DeleteFunc(list, func(x paneRow) bool { return x.partition == partition })
					if len(list) != n {
						g.rows[grain][bucket] = list
						for _, c := range g.cubes {
							b.mark(c, grain, bucket).stale = true
						}
					}
				}
			}
		}
	}
}

// clear lets go of the panes that no window needs at an instant, or later.
func (b *Board) clear(now int64) {
	minute := floor(now, minuteMs)
	if minute <= b.cleared {
		return
	}
	b.cleared = minute
	b.bounds = [grains]int64{byMinute: minute - longest*minuteMs, byQuarter: b.config.DayStart(now)}
	for _, f := range b.families {
		for _, g := range f.groups {
			for grain := range g.rows {
				below(g.rows[grain], b.bounds[grain])
			}
		}
		for _, c := range f.cubes {
			for grain := range c.slots {
				below(c.slots[grain], b.bounds[grain])
			}
		}
	}
}

func below[V any](buckets map[int64]V, bound int64) {
	for bucket := range buckets {
		if bucket < bound {
			delete(buckets, bucket)
		}
	}
}

// forget lets go of groups and cubes of which nothing is left.
func (b *Board) forget() {
	for _, f := range b.families {
		for key, g := range f.groups {
			if len(g.rows[byMinute]) > 0 || len(g.rows[byQuarter]) > 0 {
				continue
			}
			delete(f.groups, key)
			for _, c := range g.cubes {
				c.members = slices.DeleteFunc(c.members, func(m *group) bool { return m == g })
			}
		}
	}
	b.cubes = slices.DeleteFunc(b.cubes, func(c *cube) bool {
		gone := len(c.members) == 0 && !slices.ContainsFunc(c.shown, func(r *row.Reading) bool { return r != nil })
		if gone {
			delete(c.family.cubes, c.key)
			c.family.counts[c.scope]--
		}
		return gone
	})
}

package sim

import (
	"fmt"
	"maps"
	"slices"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/kpi"
	"github.com/nabz/nabz/pkg/row"
)

// cells are the numbers of panes by place and part: those that add up, the
// greatest, and the oldest that is open. Two incarnations of a pane meet in
// one cell.
type cells struct {
	sums     map[string]int64
	greatest map[string]int64 // one more than it is
	oldest   map[string]int64
	sealed   map[string]bool // cells of panes that may have been let go of
}

func newCells() cells {
	return cells{map[string]int64{}, map[string]int64{}, map[string]int64{}, map[string]bool{}}
}

// cell names a number of a pane.
func cell(feed, family string, grain int32, bucket int64, dims []string, part uint32) string {
	return fmt.Sprint(feed, family, grain, bucket, dims, part)
}

// unsaid stands for what there is no row of yet: the quarters of an hour of the
// live feed that are not over.
const unsaid = ""

// checkPanes adds up every measure of every fact by itself.
func (v *verdict) checkPanes(p Plan, s *Store, now newest) error {
	got, want, parts := newCells(), newCells(), p.parts()
	for _, x := range s.Rows {
		switch r := x.Row.(type) {
		case *row.Pane:
			if p.family(r.Family) != nil && now.at(r.Place) {
				v.told(parts, r, got)
			}
		case *row.Fact:
			if !r.Deleted && p.family(r.Family) != nil && now.at(r.Place) {
				v.addUp(p, parts, r, want)
			}
		}
	}
	for _, m := range []map[string]int64{want.sums, want.greatest, want.oldest} {
		delete(m, unsaid)
	}
	if err := same(got.sums, want.sums, func(string) bool { return true }); err != nil {
		return err
	}
	// A pane that was let go of cannot lower what it has said.
	for k, n := range want.greatest {
		if got.greatest[k] < n {
			return fmt.Errorf("the greatest of pane %s is %d, should be %d", k, got.greatest[k]-1, n-1)
		}
	}
	if err := same(got.greatest, want.greatest, func(k string) bool { return !got.sealed[k] }); err != nil {
		return err
	}
	return same(got.oldest, want.oldest, func(string) bool { return true })
}

func same(got, want map[string]int64, which func(string) bool) error {
	for _, m := range []map[string]int64{want, got} {
		for _, k := range slices.Sorted(maps.Keys(m)) {
			if which(k) && want[k] != got[k] {
				return fmt.Errorf("pane %s is %d, should be %d", k, got[k], want[k])
			}
		}
	}
	return nil
}

// told takes in what one row says.
func (v *verdict) told(parts partsOf, r *row.Pane, got cells) {
	length, now := int64(r.Grain)*1000, v.now[r.Feed]
	for _, c := range r.Cells {
		key := cell(r.Feed, r.Family, r.Grain, r.Bucket, r.Dims, c.Part)
		switch op, part := parts.of(c.Part); {
		case op == kpi.Max:
			got.greatest[key] = max(got.greatest[key], c.Value)
			got.sealed[key] = r.Bucket+length+paneKeep < now
		case op == kpi.Level && part == 2:
			// What an interval was left with is what was known then.
			if r.Bucket <= now && now < r.Bucket+length {
				got.oldest[key] = c.Value
			}
		default:
			got.sums[key] += c.Value
		}
	}
}

// partsOf are the parts of every measure.
type partsOf map[*kpi.Measure][]kpi.Part

func (p *Plan) parts() partsOf {
	out := partsOf{}
	for _, m := range p.Measures {
		out[m] = m.Parts()
	}
	return out
}

// of finds the measure that a part is of.
func (p partsOf) of(id uint32) (kpi.Op, int) {
	for m, parts := range p {
		for i, part := range parts {
			if id >= part.ID && id-part.ID < part.Width {
				return m.Op, i
			}
		}
	}
	return 0, 0
}

// addUp adds what one fact is worth in every measure. The facts themselves
// have been compared before; here it is the sums that are doubted.
func (v *verdict) addUp(p Plan, parts partsOf, r *row.Fact, want cells) {
	f := p.family(r.Family)
	fc := fact.Fact{Family: f, Values: make([]fact.Value, len(f.Columns))}
	for _, x := range r.Values {
		for i, c := range f.Columns {
			if c.Number == x.Number {
				fc.Values[i] = fact.Value{Int: x.Int, Text: x.Text, Set: true}
			}
		}
	}
	var dims []string
	for _, d := range f.Dims {
		dims = append(dims, fc.Values[f.Column(d)].Text)
	}
	for _, m := range p.Measures {
		if m.Family != f || !m.Takes(&fc) {
			continue
		}
		for _, grain := range []int64{60, 900} {
			worth{
				m: m, f: &fc, grain: grain * 1000, now: v.now[r.Feed], want: want,
				key: func(bucket int64, part int, bucketOf int64) string {
					if r.Feed == event.Live && grain == 900 && bucket+900_000 > v.now[r.Feed] {
						return unsaid
					}
					return cell(r.Feed, r.Family, int32(grain), bucket, dims, parts[m][part].ID+uint32(bucketOf))
				},
			}.add()
		}
	}
}

// worth is what one fact is worth in one measure, at one length of intervals.
type worth struct {
	m          *kpi.Measure
	f          *fact.Fact
	grain, now int64
	want       cells
	key        func(bucket int64, part int, bucketOf int64) string
}

func (w worth) down(t int64) int64 { return t / w.grain * w.grain } // histories lie after 1970

func (w worth) add() {
	if w.m.Op == kpi.Level {
		w.level()
		return
	}
	at, v := w.f.Values[w.m.At], w.f.Values[w.m.Column]
	bucket := w.down(at.Int)
	switch {
	case !at.Set:
	case w.m.Op == kpi.Count:
		w.want.sums[w.key(bucket, 0, 0)]++
	case !v.Set:
	case w.m.Op == kpi.Sum:
		w.want.sums[w.key(bucket, 0, 0)] += v.Int
	case w.m.Op == kpi.Max:
		k := w.key(bucket, 0, 0)
		w.want.greatest[k] = max(w.want.greatest[k], v.Int+1)
	default:
		w.want.sums[w.key(bucket, 0, 0)]++
		w.want.sums[w.key(bucket, 1, 0)] += v.Int
		wide, doublings := int64(1), int64(0)
		for v.Int >= 64*wide {
			wide, doublings = 2*wide, doublings+1
		}
		w.want.sums[w.key(bucket, 2, 32*doublings+v.Int/wide)]++
	}
}

func (w worth) level() {
	from, to := w.f.Values[w.m.From].Int, w.f.Values[w.m.To]
	for _, c := range []string{"outcome", "state"} {
		if i := w.f.Family.Column(c); i >= 0 && w.f.Values[i].Text == "lost" {
			return
		}
	}
	until := max(from, w.down(w.now)+w.grain) // as if it stayed open so long
	if to.Set {
		until = to.Int
	}
	for b := w.down(from); b <= max(until, from); b += w.grain {
		if ms := min(until, b+w.grain) - max(from, b); ms > 0 {
			w.want.sums[w.key(b, 0, 0)] += ms
		}
		if from < b+w.grain && b+w.grain <= until {
			w.want.sums[w.key(b, 1, 0)]++
		}
		if k := w.key(b, 2, 0); !to.Set && b == w.down(w.now) && from < b+w.grain && (w.want.oldest[k] == 0 || from < w.want.oldest[k]) {
			w.want.oldest[k] = from
		}
	}
}

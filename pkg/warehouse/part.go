package warehouse

import (
	"fmt"
	"slices"
	"strings"

	"github.com/nabz/nabz/pkg/kpi"
)

// part is one number of a measure under the name that a definition gives it.
type part struct {
	alias, column string
	measure       *kpi.Measure
	kind          partKind
	doc           string
	previous      bool // of the interval before
}

type partKind uint8

const (
	partSum partKind = iota // it adds up
	partCount
	partHist
	partMs
	partEnd
	partOldest
	partGreatest
	partWhole // made of the facts of a whole interval at once
	partLast  // so too; of none it is unknown
)

// ofFacts tells whether panes do not have the part.
func (k partKind) ofFacts() bool {
	return k == partOldest || k == partGreatest || k.whole()
}

// whole tells whether the part is made of the facts of a whole interval.
func (k partKind) whole() bool { return k == partWhole || k == partLast }

// nothing is what rows have that say nothing of a part.
func (k partKind) nothing() string {
	switch k {
	case partHist:
		return "mapFromArrays(CAST([], 'Array(UInt16)'), CAST([], 'Array(Int64)'))"
	case partOldest:
		return "CAST(NULL, " + Quote(partOldest.typ()) + ")"
	case partGreatest, partLast:
		return "CAST(NULL, 'Nullable(Int64)')"
	default:
		return "toInt64(0)"
	}
}

// typ is the type of the part's column in views.
func (k partKind) typ() string {
	switch k {
	case partOldest:
		return "Nullable(" + typeInstant + ")"
	case partGreatest, partLast:
		return "Nullable(Int64)"
	default:
		return "Int64"
	}
}

func parts(d *kpi.Definition) []part {
	var out []part
	aged, _ := d.Aged()
	for _, n := range d.Measures {
		of := n.Measure.Parts()
		add := func(suffix string, i int, kind partKind) {
			out = append(out, part{n.Name + suffix, of[i].Column, n.Measure, kind, of[i].Doc + ".", false})
		}
		switch n.Measure.Op {
		case kpi.Level:
			add("_ms", kpi.LevelMs, partMs)
			add("_end", kpi.LevelEnd, partEnd)
			if n.Name == aged {
				add("_oldest", kpi.LevelOldest, partOldest)
			}
		case kpi.Hist:
			add("_count", kpi.HistCount, partCount)
			add("_sum", kpi.HistSum, partSum)
			add("_hist", kpi.HistBuckets, partHist)
		case kpi.Max:
			add("", 0, partGreatest)
			out[len(out)-1].doc = strings.Replace(of[0].Doc, "one more than the", "the", 1) + "."
		case kpi.Count:
			add("", 0, partCount)
		case kpi.Sum:
			add("", 0, partSum)
		case kpi.Last:
			add("", 0, partLast)
		case kpi.Entities, kpi.Born, kpi.Back, kpi.Cell, kpi.During, kpi.Among, kpi.Again:
			add("", 0, partWhole)
		}
		if d.Previous(n.Name) {
			p := out[len(out)-1]
			p.alias, p.doc, p.previous = "previous_"+p.alias, p.doc+" In the interval before.", true
			out = append(out, p)
		}
	}
	return out
}

// said renders that an interval and group has something of the part.
func (p *part) said() string {
	switch p.kind {
	case partOldest, partGreatest, partLast:
		return "isNotNull(" + p.alias + ")"
	case partHist:
		return "notEmpty(" + p.alias + "_lengths)"
	default:
		return p.alias + " != 0"
	}
}

// columns are those that joined gives.
func (p *part) columns(naive bool) []string {
	switch {
	case p.kind != partHist:
		return []string{p.alias}
	case naive:
		return []string{p.alias + "_lengths", p.alias}
	}
	return []string{p.alias + "_lengths", p.alias + "_ranks", p.alias}
}

// own are the parts of an interval's own.
func own(d *kpi.Definition) []part {
	return slices.DeleteFunc(parts(d), func(p part) bool { return p.previous })
}

// joined renders what the rows of one interval and group come to. Of a
// distribution there come, beside the buckets, the lengths that they are told
// as, and the rank of the last fact of each; naively, the sorted lengths of all
// facts.
func (p *part) joined(q Query, naive bool) string {
	switch p.kind {
	case partEnd:
		// Of a longer interval the end is the end of its last pane that the
		// clock has reached.
		return fmt.Sprintf("sumIf(src.%s, src.bucket = %s)", p.alias, q.lastPane())
	case partMs:
		// What is open counts to the end of the last pane, of which the clock
		// has yet to go a part; panes behind it hold what may yet be.
		last, pane := q.lastPane(), q.paneLength()
		return fmt.Sprintf("greatest(0, sumIf(src.%s, src.bucket <= %[2]s) - sumIf(src.%[3]s * greatest(0, dateDiff('millisecond', src.as_of, addSeconds(src.bucket, %[4]s))), src.bucket = %[2]s))",
			p.alias, last, strings.TrimSuffix(p.alias, "_ms")+"_end", pane)
	case partOldest:
		return fmt.Sprintf("minIf(src.%s, src.bucket = %s)", p.alias, q.lastPane())
	case partGreatest:
		return fmt.Sprintf("max(src.%s)", p.alias)
	case partHist:
		buckets := fmt.Sprintf("mapSort(mapFilter((k, v) -> v != 0, sumMap(src.%s)))", p.alias)
		if naive {
			return fmt.Sprintf("%s AS %s_lengths, %s", toldNaively(fmt.Sprintf("arraySort(groupArrayArray(src.%s_values))", p.alias)), p.alias, buckets)
		}
		return fmt.Sprintf("arrayMap(k -> %s, mapKeys(%[2]s)) AS %[2]s_lengths, arrayCumSum(mapValues(%[2]s)) AS %[2]s_ranks, %[3]s", middle("k"), p.alias, buckets)
	default:
		return fmt.Sprintf("sum(src.%s)", p.alias)
	}
}

// middle renders the middle of the lengths of a bucket.
func middle(k string) string {
	shift := fmt.Sprintf("greatest(intDiv(toInt64(%s), 32) - 1, 0)", k)
	return fmt.Sprintf("bitShiftLeft(toInt64(%[1]s) - 32 * %[2]s, %[2]s) + (bitShiftLeft(toInt64(1), %[2]s) - 1) / 2", k, shift)
}

// The naive way to a bucket: the least width, a power of two, of which a length
// has less than 64.
const (
	widths = "arrayMap(i -> toInt64(pow(2, i)), range(31))"
	capped = "least(%s, 68719476735)" // the end of the last bucket
)

func bucketNaively(v string) string {
	v = fmt.Sprintf(capped, v)
	n := fmt.Sprintf("arrayFirstIndex(w -> %s < 64 * w, %s)", v, widths)
	return fmt.Sprintf("toUInt16(32 * (%[1]s - 1) + intDiv(%[2]s, %[3]s[%[1]s]))", n, v, widths)
}

func toldNaively(values string) string {
	width := fmt.Sprintf("arrayFirst(w -> "+capped+" < 64 * w, %s)", "v", widths)
	return fmt.Sprintf("arrayMap(v -> arrayMap(w -> intDiv("+capped+", w) * w + (w - 1) / 2, [%s])[1], %s)", "v", width, values)
}

// column renders a column of a part's measure.
func (p *part) of() string { return "f." + p.measure.Family.Columns[p.measure.Column].Name }

// taken renders whether a measure takes a fact, with a value where it needs one.
func (p *part) taken() string {
	cond := condition(p.measure.Family, p.measure.Where)
	if p.measure.Op == kpi.Hist || p.measure.Op == kpi.Max {
		return fmt.Sprintf("(%s AND isNotNull(%s))", cond, p.of())
	}
	return cond
}

package kpi

import (
	"fmt"
	"hash/fnv"
	"strings"

	"github.com/nabz/nabz/pkg/fact"
)

// Op is what a measure does with the facts it takes.
type Op uint8

const (
	// Count counts facts.
	Count Op = iota + 1
	// Sum adds up a Duration or Count column.
	Sum
	// Level follows how many facts are open at once, from one time to another.
	Level
	// Hist counts facts by the length of a Duration column, in buckets.
	Hist
	// Max is the greatest value of a Duration or Count column.
	Max
	// Entities counts those that facts are of, each once.
	Entities
	// Last adds up the last value of each entity.
	Last
	// Born counts the entities whose first fact of all lies in the interval.
	Born
	// Back counts those of Born that have a fact on the days asked for.
	Back
	// Cell counts the entities of a cell of the definition's grid, or adds one of
	// their numbers up.
	Cell
	// During adds up for how long facts lie in the interval, from one time to
	// another: what a Level spends, asked of facts.
	During
	// Among counts the facts of those entities that are present in the way asked
	// for, or adds one of their columns up.
	Among
	// Again counts the facts that are followed by another of the same entity.
	Again
)

// Additive tells whether what panes hold adds up to the measure. All others are
// made of facts when somebody asks.
func (o Op) Additive() bool { return o >= Count && o <= Max }

// Presence says in which intervals an entity must have facts to be counted.
type Presence uint8

// The presences, each with its name in definitions.
const (
	This     Presence = iota // in this one
	Before                   // in the one before
	Both                     // in both
	New                      // in this one, and in none ever before
	Returned                 // in this one, not in the one before, but in an earlier one
	Gone                     // in the one before, not in this one
)

var presences = []string{"this", "previous", "both", "new", "returned", "gone"}

func (p Presence) String() string { return presences[p] }

// Measure is one number that is kept for every pane of a family. Its identity
// is what it computes, not who asked for it: KPIs share measures.
type Measure struct {
	Name   string // made of what it computes; a column name
	Family *fact.Family
	Op     Op
	At     int // all but Level: index of the Time column whose interval it counts in
	Column int // Sum, Hist, Max: index of the column
	From   int // Level, During: index of the Time column where a fact begins to count
	To     int // Level, During: index of the Time column where it ends; unknown is still open
	Where  []Cond

	Keys    []int    // Entities, Last, Born, Back: Text columns that name an entity together; so of Among and Again
	In      Presence // Entities, Among
	Counts  bool     // Among: facts are counted, and no column is added up
	Within  int64    // Again: how soon the other one follows, ms
	After   int64    // During: how long after From it begins to count, ms
	AtLeast int64    // Entities: facts in the interval, ≥ 1
	Latest  []Cond   // Entities: what the last of these facts says
	Axis    string   // Cell: GridX or GridY, whose number is added up; empty: they are counted
	Hours   bool     // Back: days are of 24 hours from the hour of the first fact, not of the calendar
}

// Part is one number of a measure, or a range of them. What rows of several
// panes, partitions and incarnations say of it comes together by Merge.
type Part struct {
	ID     uint32 // FNV-1a of the family and the name: its identity on the wire
	Width  uint32 // how many identities it takes from ID on: 1, or Buckets of a Hist
	Merge  Merge
	AtEnd  bool   // of a longer span only its last pane says it
	Column string // in ClickHouse; empty: it is not kept there, facts tell it
	Doc    string
}

// Merge says how the values of a part come together. 0 is no value.
type Merge uint8

const (
	// MergeSum adds them up.
	MergeSum Merge = iota + 1
	// MergeMax takes the greatest.
	MergeMax
	// MergeMin takes the least that is not 0.
	MergeMin
)

// Indexes of the parts of a Level and of a Hist.
const (
	LevelMs     = 0
	LevelEnd    = 1
	LevelOldest = 2

	HistCount   = 0
	HistSum     = 1
	HistBuckets = 2
)

// Parts of a measure: one for Count and Sum. Of a Level the item-milliseconds
// inside the interval, the number open at its end (or at the feed's clock while
// that stands inside the interval, as if they stayed open to its end, in the
// milliseconds too), and when the oldest of these began, which
// is true of the interval in which the clock stands; earlier ones keep what
// they had when the clock left them. Of a Hist how many and how long, and one
// part a bucket. Of a Max one more than the greatest, so that none is 0.
func (m *Measure) Parts() []Part {
	switch m.Op {
	case Level:
		oldest := m.part("_oldest", "since when the oldest has been open, ms since 1970 UTC")
		oldest.Merge, oldest.AtEnd, oldest.Column = MergeMin, true, ""
		end := m.part("_end", "open at the end of the interval, or at the clock inside it")
		end.AtEnd = true
		return []Part{m.part("_ms", "item-milliseconds inside the interval, up to the clock"), end, oldest}
	case Sum:
		return []Part{m.part("", m.sumDoc())}
	case Hist:
		buckets := m.part("_buckets", "facts by bucket of "+m.Family.Columns[m.Column].Name+", ms; a bucket is told by its middle, off by at most 1/64")
		buckets.ID, buckets.Width = buckets.ID&^(Buckets-1), Buckets
		return []Part{m.part("_count", "facts counted"), m.part("_sum", m.sumDoc()), buckets}
	case Max:
		greatest := m.part("", "one more than the greatest "+m.Family.Columns[m.Column].Name)
		greatest.Merge, greatest.Column = MergeMax, ""
		return []Part{greatest}
	case Entities, Last, Born, Back, Cell, During, Among, Again:
		of := m.part("", m.opWords())
		of.Column = ""
		return []Part{of}
	default:
		return []Part{m.part("", "facts counted")}
	}
}

func (m *Measure) sumDoc() string {
	if m.Family.Columns[m.Column].Type == fact.Duration {
		return "sum of " + m.Family.Columns[m.Column].Name + ", ms"
	}
	return "sum of " + m.Family.Columns[m.Column].Name
}

func (m *Measure) part(suffix, doc string) Part {
	name := m.Name + suffix
	return Part{ID: fnv32(m.Family.Name + "." + name), Width: 1, Merge: MergeSum, Column: name, Doc: m.sentence() + ": " + doc}
}

// sentence says in words which facts the measure takes.
func (m *Measure) sentence() string {
	var conds []string
	for _, c := range m.Where {
		conds = append(conds, c.words(m.Family))
	}
	head := m.Family.Name
	if len(conds) > 0 {
		head += " where " + strings.Join(conds, " and ")
	}
	if m.Op == Level || m.Op == During {
		return fmt.Sprintf("%s, open from %s to %s", head, m.Family.Columns[m.From].Name, m.Family.Columns[m.To].Name)
	}
	return head + ", at " + m.Family.Columns[m.At].Name
}

// name makes the canonical name of a measure: a word of lower-case letters,
// digits and underscores that says what it computes.
func (m *Measure) name() string {
	f := m.Family
	var b strings.Builder
	switch m.Op {
	case Count:
		b.WriteString("count")
	case Sum:
		b.WriteString("sum_" + f.Columns[m.Column].Name)
	case Level:
		b.WriteString("level_" + f.Columns[m.From].Name + "_to_" + f.Columns[m.To].Name)
	case Hist:
		b.WriteString("hist_" + f.Columns[m.Column].Name)
	case Max:
		b.WriteString("max_" + f.Columns[m.Column].Name)
	case Entities, Last, Born, Back, Cell, During, Among, Again:
		// No column has this name, and no other measure shares it.
		b.WriteString(strings.ReplaceAll(m.opWords(), " ", "_"))
	}
	for _, c := range m.Where {
		b.WriteString(c.name(f))
	}
	if m.Op != Level && m.Op != During {
		b.WriteString("__at_" + f.Columns[m.At].Name)
	}
	return identifier(b.String())
}

// maxName is the most characters of a measure's name: with what parts add it
// stays below what file systems take, and tables of SQL stay readable.
const maxName = 160

// identifier makes a name that SQL takes without quotes. Conditions may speak of
// any text: what is cut or replaced is told apart by a hash of the whole.
func identifier(name string) string {
	plain := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_' {
			return r
		}
		return '_'
	}, name)
	if plain == name && len(name) <= maxName {
		return name
	}
	h := fnv.New64a()
	h.Write([]byte(name))
	return fmt.Sprintf("%s__%016x", plain[:min(len(plain), maxName)], h.Sum64())
}

// Takes tells whether a fact meets the measure's conditions.
func (m *Measure) Takes(f *fact.Fact) bool { return meets(m.Where, f) }

func fnv32(s string) uint32 {
	h := uint32(2166136261)
	for i := range len(s) {
		h = (h ^ uint32(s[i])) * 16777619
	}
	return h
}

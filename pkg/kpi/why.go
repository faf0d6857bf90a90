package kpi

import (
	"strconv"

	"github.com/nabz/nabz/pkg/fact"
)

// Conditions says in words what a fact must meet to be taken.
func (m *Measure) Conditions() []string {
	out := make([]string, 0, len(m.Where))
	for _, c := range m.Where {
		out = append(out, c.words(m.Family))
	}
	return out
}

// Refusal tells why the measure takes nothing of a fact in the interval from
// from to to, ms since 1970 UTC: the first condition that it does not meet, in
// words, and what the fact says instead. ok is false where the fact is taken.
func (m *Measure) Refusal(f *fact.Fact, from, to int64) (condition, instead string, ok bool) {
	if condition, instead, ok = m.elsewhere(f, from, to); ok {
		return condition, instead, true
	}
	for i := range m.Where {
		if c := &m.Where[i]; !c.holds(f) {
			return c.words(m.Family), words(f, c.Column), true
		}
	}
	if m.adds() && !f.Values[m.Column].Set {
		return m.Family.Columns[m.Column].Name + " is known", "unknown", true
	}
	return "", "", false
}

// elsewhere tells why a fact does not lie in the interval.
func (m *Measure) elsewhere(f *fact.Fact, from, to int64) (condition, instead string, ok bool) {
	if m.Op != Level && m.Op != During {
		at := &f.Values[m.At]
		return m.Family.Columns[m.At].Name + " is in the interval", words(f, m.At), !at.Set || at.Int < from || at.Int >= to
	}
	begun, ended, lost := &f.Values[m.From], &f.Values[m.To], m.Family.Column(m.Family.Lost)
	switch {
	case lost >= 0 && f.Values[lost].Text == fact.LostText:
		return m.Family.Lost + " is not " + fact.LostText, fact.LostText, true
	case !begun.Set || begun.Int >= to:
		return m.Family.Columns[m.From].Name + " is before the end of the interval", words(f, m.From), true
	case ended.Set && ended.Int <= from:
		return m.Family.Columns[m.To].Name + " is after the start of the interval", words(f, m.To), true
	}
	return "", "", false
}

// words is what a fact says in a column; an instant as ms since 1970 UTC.
func words(f *fact.Fact, column int) string {
	v := &f.Values[column]
	switch {
	case !v.Set:
		return "unknown"
	case f.Family.Columns[column].Type == fact.Text:
		return v.Text
	case f.Family.Columns[column].Type == fact.Duration:
		return strconv.FormatInt(v.Int, 10) + " ms"
	}
	return strconv.FormatInt(v.Int, 10)
}

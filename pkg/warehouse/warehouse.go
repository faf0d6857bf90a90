// Package warehouse is the SQL of ClickHouse: the tables that rows land in, the
// views that people read, and the queries that values come from, all made from
// the descriptions of events, facts and KPIs.
//
// It does not know of connections, nor what is in a table. It reads no clock,
// starts no goroutine and performs no I/O.
package warehouse

import (
	"fmt"
	"strings"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/kpi"
)

// The databases: Internal holds tables and what is not for people, Public the
// views.
const (
	Internal = "nabz_internal"
	Public   = "nabz"
)

// Column is one column of a table or view.
type Column struct {
	Name    string
	Type    string // of ClickHouse
	Codec   string // of a table's column, may be empty
	Comment string
}

// Table is one table. Its key makes a second insert of a row collapse into the
// first, and the greater version win.
type Table struct {
	Name      string // without the database
	Comment   string // what a row is, and why it is ordered and cut as it is
	Columns   []Column
	Version   string // column of the version, may be empty
	Partition string // expression, may be empty
	Order     []string
}

// Statement is one step of a migration; running it again changes nothing.
type Statement struct {
	Name string // what it makes
	SQL  string
}

// Model is what tables and views are made from.
type Model struct {
	Events   *event.Catalogue
	Families []*fact.Family
	KPIs     *kpi.Set
	// LatenessMs is, by kind of entity, how long after its end an interval
	// may still change without being called corrected.
	LatenessMs map[string]int64
	// Zone is the IANA name of the zone whose days, weeks and months the
	// views show.
	Zone string
	// WeekStart is the first day of the week, 1 Monday to 7 Sunday.
	WeekStart int
	// Months are those of the views.
	Months Months
}

// Create is the statement that makes a table.
func (t *Table) Create() Statement {
	var b strings.Builder
	fmt.Fprintf(&b, "CREATE TABLE IF NOT EXISTS %s.%s\n(\n", Internal, t.Name)
	for i, c := range t.Columns {
		fmt.Fprintf(&b, "    %s", c.definition())
		if i < len(t.Columns)-1 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, ")\nENGINE = ReplacingMergeTree(%s)\n", t.Version)
	if t.Partition != "" {
		fmt.Fprintf(&b, "PARTITION BY %s\n", t.Partition)
	}
	fmt.Fprintf(&b, "ORDER BY (%s)\nCOMMENT %s", strings.Join(t.Order, ", "), Quote(t.Comment))
	return Statement{Internal + "." + t.Name, b.String()}
}

// Add is the statement that adds one of the table's columns to a table of an
// older version.
func (t *Table) Add(c Column) Statement {
	return Statement{
		Internal + "." + t.Name + "." + c.Name,
		fmt.Sprintf("ALTER TABLE %s.%s ADD COLUMN IF NOT EXISTS %s", Internal, t.Name, c.definition()),
	}
}

func (c Column) definition() string {
	s := c.Name + " " + c.Type
	if c.Comment != "" {
		s += " COMMENT " + Quote(c.Comment)
	}
	if c.Codec != "" {
		s += " CODEC(" + c.Codec + ")"
	}
	return s
}

// Quote makes a string literal.
func Quote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

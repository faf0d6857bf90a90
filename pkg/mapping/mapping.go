// Package mapping turns the rows of other people's call logs into events, by a
// declaration in YAML: which columns are which fields, how times are written,
// under which conditions a row gives which events.
//
// It does not know files: rows come in as texts. It reads no clock, starts no
// goroutine and performs no I/O.
package mapping

import (
	"time"

	"github.com/nabz/nabz/pkg/event"
)

// Formats of files.
const (
	CSV   = "csv"
	TSV   = "tsv"
	JSONL = "jsonl"
)

// Encodings are the names of those that a file may be in.
func Encodings() []string {
	return []string{
		"utf-8", "utf-16", "iso-8859-1", "iso-8859-2", "iso-8859-9", "iso-8859-15",
		"windows-1250", "windows-1251", "windows-1252", "windows-1253", "windows-1254", "windows-1255", "windows-1256",
	}
}

// Mapping is one declaration, checked.
type Mapping struct {
	Name      string
	Doc       string
	Source    string // CloudEvents source of all its events
	Format    string // CSV, TSV or JSONL
	Delimiter rune   // of CSV
	Encoding  string // one of Encodings
	Header    bool   // the first line names the columns
	Comment   string // lines that begin with it are no rows; empty: none

	file     string   // for messages
	declared []string // names of columns where the file has no header
	columns  []column
	absent   []string // values that stand for nothing in any column
	letters  bool     // Arabic letters to their Persian forms
	digits   bool     // Persian and Arabic digits to Latin ones
	decimal  string   // the sign before decimals, . or ,; empty: either
	zone     *time.Location
	identity []int // columns; empty: the whole row
	byLine   bool  // the row's line is its identity
	times    []*timeExpr
	skip     *condition
	events   []*eventExpr
}

// column is a column that the mapping speaks of, and where it does first.
type column struct {
	name         string
	line, column int
}

// Columns gives the columns that the mapping speaks of.
func (m *Mapping) Columns() []string {
	out := make([]string, len(m.columns))
	for i, c := range m.columns {
		out[i] = c.name
	}
	return out
}

// Declared gives the names of all columns of a file without header.
func (m *Mapping) Declared() []string { return m.declared }

// eventExpr is one event that a row may give.
type eventExpr struct {
	typ      *event.Type
	suffix   string // of the id
	at       int    // index of a time
	sequence int64
	when     *condition
	data     []fieldExpr
}

// fieldExpr is one member of an event's data.
type fieldExpr struct {
	use      *event.Use
	text     *textExpr     // of strings, numbers, decimals, booleans
	time     int           // of times: index of a time
	duration *durationExpr // of durations
}

// maxValue is the longest value of a column that is read.
const maxValue = 4096

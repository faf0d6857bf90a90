// Package source is what every source of call logs gives, however it reads
// them: events of the catalogue, and what is wrong with a row.
//
// It does not know of any source, nor where events go. It reads no clock,
// starts no goroutine and performs no I/O.
package source

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// Event is one event that a row gave.
type Event struct {
	Type     string
	Source   string
	ID       string // the same for the same row, however often it is read
	Time     int64  // ms since 1970 UTC
	Sequence int64
	Data     []Member
}

// Member is one member of data: a name and its value as JSON.
type Member struct{ Name, JSON string }

// Text makes a member that is a string.
func Text(name, value string) Member {
	return Member{Name: name, JSON: string(appendQuote(nil, value))}
}

// Millis makes a member that is a span of time, ms.
func Millis(name string, ms int64) Member {
	return Member{Name: name, JSON: strconv.FormatInt(ms, 10)}
}

// RowError is what is wrong with a row.
type RowError struct {
	Line   int    // of the file, from 1
	Column string // its name; empty: the row as a whole
	Text   string
}

// Error gives the place and what is wrong.
func (e *RowError) Error() string {
	if e.Column == "" {
		return fmt.Sprintf("line %d: %s", e.Line, e.Text)
	}
	return fmt.Sprintf("line %d, column %s: %s", e.Line, e.Column, e.Text)
}

// AppendJSON writes the event as a structured CloudEvent, with further members
// of the envelope such as `"feed":"x",` in front.
func (e *Event) AppendJSON(dst []byte, extensions string) []byte {
	dst = append(append(dst, '{'), extensions...)
	dst = append(dst, `"specversion":"1.0","id":`...)
	dst = appendQuote(dst, e.ID)
	dst = append(dst, `,"source":`...)
	dst = appendQuote(dst, e.Source)
	dst = append(dst, `,"type":"`...)
	dst = append(append(dst, e.Type...), `","time":"`...)
	dst = time.UnixMilli(e.Time).UTC().AppendFormat(dst, "2006-01-02T15:04:05.000Z")
	dst = append(dst, `","sequence":"`...)
	dst = append(strconv.AppendInt(dst, e.Sequence, 10), `","data":{`...)
	for i, m := range e.Data {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(append(append(dst, '"'), m.Name...), `":`...)
		dst = append(dst, m.JSON...)
	}
	return append(dst, "}}"...)
}

func appendQuote(dst []byte, s string) []byte {
	// A string is always written: what is not UTF-8 becomes U+FFFD.
	b, _ := json.Marshal(s)
	return append(dst, b...)
}

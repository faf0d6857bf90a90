package asterisk

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// line is one row of queue_log: epoch|callid|queue|agent|EVENT|d1|d2|…
type line struct {
	at    int64 // ms since 1970 UTC
	call  string
	queue string
	agent string
	verb  string
	data  []string
	text  string // as it names itself: the fields without the blanks around them
}

// Fields in front of the data, and the most that any row has.
const (
	fixedFields = 5
	maxFields   = 32
)

// none are the words that stand where a row has no call or no queue of its own.
func none(s string) bool {
	switch s {
	case "", "NONE", "REALTIME", "MANAGER", "CLI", "AMI":
		return true
	}
	return false
}

// parse reads one row. Blanks around the pipes are no part of the fields.
func parse(text string, zone *time.Location) (line, error) {
	fields := strings.Split(text, "|")
	if len(fields) < fixedFields {
		return line{}, fmt.Errorf("%d fields, at least epoch, call, queue, agent and event are needed", len(fields))
	}
	if len(fields) > maxFields {
		return line{}, fmt.Errorf("%d fields, no row has more than %d", len(fields), maxFields)
	}
	for i := range fields {
		fields[i] = strings.TrimSpace(fields[i])
	}
	at, err := instant(fields[0], zone)
	if err != nil {
		return line{}, err
	}
	l := line{at: at, verb: fields[4], data: fields[5:]}
	if l.verb == "" {
		return line{}, fmt.Errorf("no event")
	}
	if !none(fields[1]) {
		l.call = fields[1]
	}
	if !none(fields[2]) {
		l.queue = fields[2]
	}
	if !none(fields[3]) {
		l.agent = fields[3]
	}
	l.text = strings.TrimRight(strings.Join(fields, "|"), "|")
	return l, nil
}

// databaseTime is the form of the realtime table, local time with or without
// microseconds (Asterisk main/logger.c).
const databaseTime = "2006-01-02 15:04:05"

func instant(s string, zone *time.Location) (int64, error) {
	if strings.Contains(s, "-") && len(s) >= len(databaseTime) {
		t, err := time.ParseInLocation(databaseTime, s, zone)
		if err != nil {
			return 0, fmt.Errorf("time %q is neither seconds since 1970 nor YYYY-MM-DD hh:mm:ss", s)
		}
		return t.UnixMilli(), nil
	}
	whole, part, _ := strings.Cut(s, ".")
	seconds, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || seconds < 0 || seconds > math.MaxInt32*100 {
		return 0, fmt.Errorf("time %q is neither seconds since 1970 nor YYYY-MM-DD hh:mm:ss", s)
	}
	ms := int64(0)
	if part != "" {
		if ms, err = strconv.ParseInt((part + "000")[:3], 10, 64); err != nil || ms < 0 {
			return 0, fmt.Errorf("time %q is neither seconds since 1970 nor YYYY-MM-DD hh:mm:ss", s)
		}
	}
	return seconds*1000 + ms, nil
}

// d gives the nth word of the data, from 1; empty where there is none.
func (l *line) d(n int) string {
	if n > len(l.data) {
		return ""
	}
	return l.data[n-1]
}

// seconds reads a word of the data as a span, ms. ok is false where it is
// empty or no number: some versions leave waits out.
func (l *line) seconds(n int) (ms int64, ok bool) {
	v, err := strconv.ParseInt(l.d(n), 10, 32)
	if err != nil || v < 0 {
		return 0, false
	}
	return v * 1000, true
}

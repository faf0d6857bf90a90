package replay

import (
	"errors"
	"io"
	"strings"

	"github.com/nabz/nabz/pkg/source"
)

// maxRowLines bounds the lines of one quoted row: the note of a call is shorter,
// and what is longer is a quote that does not close.
const maxRowLines = 1000

// splitter cuts the lines of one row of a CSV file into values. Quotes are read
// leniently, as switches write them: a quote that does not begin a value, or
// that no delimiter follows, is a letter like others.
type splitter struct {
	delimiter string
	values    []string
	value     strings.Builder // of quotes that are open
	quoted    bool
	long      bool // the open quotes began on a line before
	broken    bool // such quotes met one that did not close them
}

// feed takes a line and tells whether the row ends with it.
func (s *splitter) feed(line string) bool {
	for {
		if !s.quoted {
			if inner, ok := strings.CutPrefix(s.trimmed(line), `"`); ok {
				s.quoted, line = true, inner
			} else {
				value, rest, more := strings.Cut(line, s.delimiter)
				s.values = append(s.values, value)
				if !more {
					return true
				}
				line = rest
				continue
			}
		}
		text, rest, found := strings.Cut(line, `"`)
		s.value.WriteString(text)
		behind := s.trimmed(rest)
		switch {
		case !found:
			s.value.WriteByte('\n')
			s.long = true
			return false
		case strings.HasPrefix(rest, `"`):
			s.value.WriteByte('"')
			line = rest[1:]
		case behind == "" || strings.HasPrefix(behind, s.delimiter):
			s.values = append(s.values, s.value.String())
			s.value.Reset()
			s.quoted, s.long = false, false
			if behind == "" {
				return true
			}
			line = behind[len(s.delimiter):]
		default:
			s.value.WriteByte('"')
			s.broken = s.broken || s.long
			line = rest
		}
	}
}

// trimmed drops the blanks in front of a quote or a delimiter.
func (s *splitter) trimmed(line string) string {
	if s.delimiter == " " {
		return line
	}
	return strings.TrimLeft(line, " ")
}

// quotedRow reads a row of a CSV file. A quote that does not close would take
// all rows behind it into one value: then the row alone is bad, and what was
// read ahead is read again.
func (r *rows) quotedRow() ([]string, error) {
	s := splitter{delimiter: string(r.m.Delimiter)}
	line, err := r.readLine()
	if err != nil {
		return nil, err
	}
	if r.m.Comment != "" && strings.HasPrefix(line, r.m.Comment) {
		return []string{line}, nil
	}
	start := r.line
	var ahead []string
	for !s.feed(line) {
		if s.broken || len(ahead) == maxRowLines || s.value.Len() > maxLine {
			s.broken = true
			break
		}
		if line, err = r.readLine(); err != nil {
			if !errors.Is(err, io.EOF) {
				r.held = err
			}
			s.broken = true
			break
		}
		ahead = append(ahead, line)
	}
	if s.broken {
		r.ahead, r.line = append(ahead, r.ahead...), start
		return nil, &source.RowError{Line: start, Text: "a quote does not close"}
	}
	r.began = start
	return s.values, nil
}

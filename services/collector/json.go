package collector

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// span is one event of a body.
type span struct {
	from, to int
	depth    int // of the deepest array or object, itself included
}

// split finds the elements of a JSON array without reading them, so that one
// broken element does not take the others with it. It follows only strings and
// brackets. Elements past most are counted but not given.
func split(body string, most int, spans []span) ([]span, *problem) {
	i := skipSpace(body, 0)
	if i == len(body) || body[i] != '[' {
		return nil, refuse(BadJSON, "", "the body of a batch is a JSON array of events")
	}
	i = skipSpace(body, i+1)
	if i < len(body) && body[i] == ']' {
		return spans, end(body, i+1)
	}
	for {
		from := i
		to, depth := scan(body, i)
		if to == len(body) {
			return nil, refuse(BadJSON, "", "the array of events does not end")
		}
		if len(spans) == most {
			return nil, refuse(TooMany, "", "more than "+strconv.Itoa(most)+" events in one batch")
		}
		spans = append(spans, span{from: from, to: to, depth: depth})
		if body[to] == ']' {
			return spans, end(body, to+1)
		}
		i = skipSpace(body, to+1)
	}
}

func end(body string, i int) *problem {
	if skipSpace(body, i) != len(body) {
		return refuse(BadJSON, "", "something stands behind the end of the array")
	}
	return nil
}

// scan gives the place of the comma or closing bracket behind the value at i,
// or the end of s, and the greatest depth within the value.
func scan(s string, i int) (to, deepest int) {
	depth := 0
	for i < len(s) {
		switch s[i] {
		case '"':
			i = skipString(s, i)
			continue
		case '{', '[':
			depth++
			deepest = max(deepest, depth)
		case '}', ']':
			if depth == 0 {
				return i, deepest
			}
			depth--
		case ',':
			if depth == 0 {
				return i, deepest
			}
		}
		i++
	}
	return len(s), deepest
}

// skipString gives the place behind the string that begins at i.
func skipString(s string, i int) int {
	for i++; i < len(s); {
		n := strings.IndexByte(s[i:], '"')
		if n < 0 {
			return len(s)
		}
		i += n + 1
		// A quote behind an odd number of backslashes is escaped.
		odd := false
		for j := i - 2; s[j] == '\\'; j-- {
			odd = !odd
		}
		if !odd {
			return i
		}
	}
	return len(s)
}

func skipSpace(s string, i int) int {
	for i < len(s) && (s[i] == ' ' || s[i] == '\n' || s[i] == '\r' || s[i] == '\t') {
		i++
	}
	return i
}

// check tells what is wrong with one JSON object: its grammar, double names,
// UTF-8.
func check(text []byte) *problem {
	if jsontext.Value(text).IsValid() {
		if jsontext.Value(text).Kind() != '{' {
			return refuse(BadJSON, "", "an event is a JSON object")
		}
		return nil
	}
	dec := jsontext.NewDecoder(bytes.NewReader(text))
	_, err := dec.ReadValue()
	at := ""
	if e, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		at = pointed(string(e.JSONPointer))
	}
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		return refuse(DuplicateKey, at, "the name is there twice")
	case !utf8.Valid(text):
		return refuse(InvalidUTF8, at, "the text is not valid UTF-8")
	}
	return refuse(BadJSON, at, "the text is not JSON")
}

// pointed turns a JSON pointer into the name of a field, without names that
// nobody should repeat.
func pointed(pointer string) string {
	var parts []string
	for part := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		if part == "" {
			continue
		}
		if s := shown(part); s[0] != '"' {
			part = s
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ".")
}

// loose tells whether the text is JSON apart from double names and UTF-8.
func loose(text []byte) bool {
	return jsontext.Value(text).IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// members walks the members of a valid JSON object. Values are given as they
// stand, names without quotes and escapes.
func members(object string, each func(name, value string) *problem) *problem {
	i := skipSpace(object, 0) + 1
	for {
		i = skipSpace(object, i)
		if object[i] == '}' {
			return nil
		}
		if object[i] == ',' {
			i = skipSpace(object, i+1)
		}
		from := i
		i = skipString(object, i)
		name := unquote(object[from:i])
		i = skipSpace(object, skipSpace(object, i)+1)
		from = i
		i = skipValue(object, i)
		if p := each(name, object[from:i]); p != nil {
			return p
		}
	}
}

// skipValue gives the place behind the valid value that begins at i.
func skipValue(s string, i int) int {
	switch s[i] {
	case '"':
		return skipString(s, i)
	case '{', '[':
		depth := 0
		for {
			switch s[i] {
			case '"':
				i = skipString(s, i)
				continue
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return i + 1
				}
			}
			i++
		}
	}
	for i < len(s) {
		switch s[i] {
		case ',', '}', ']', ' ', '\n', '\r', '\t':
			return i
		}
		i++
	}
	return i
}

// unquote gives the text of a valid JSON string. Without escapes it is a part
// of s.
func unquote(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s[1 : len(s)-1]
	}
	// The text was checked; what is not UTF-8 in a dead letter reads as U+FFFD.
	b, _ := jsontext.AppendUnquote(nil, s)
	return string(b)
}

func appendQuote(dst []byte, s string) []byte {
	// Invalid UTF-8 becomes U+FFFD, and nothing else is an error.
	b, _ := jsontext.AppendQuote(dst, s)
	return b
}

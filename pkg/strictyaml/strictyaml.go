// Package strictyaml reads YAML files that people write by hand: every unknown
// key, double key, missing key and wrong type is an error with its line and
// column and, for a slip of the pen, the word that was probably meant. All
// errors of a file are collected, so one run shows them all.
//
// It does not know what any key means. It reads no clock, starts no goroutine
// and performs no I/O.
package strictyaml

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// MaxBytes is the longest file that is read: definitions are a few hundred
// lines, and a YAML parser works in memory.
const MaxBytes = 1 << 20

// maxErrors ends the collecting: past it, one mistake repeats itself.
const maxErrors = 50

// Error is one mistake, at a place.
type Error struct {
	File   string
	Line   int // from 1
	Column int // from 1
	Text   string
}

// Error gives file:line:column: text.
func (e *Error) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Text)
}

// Reader reads one file and collects its mistakes.
type Reader struct {
	file string
	errs []error
}

// Open parses the single document of a file. A file that is no YAML, or holds
// aliases or more than one document, gives an error.
func Open(file string, data []byte) (*Reader, *yaml.Node, error) {
	r := &Reader{file: file}
	if len(data) > MaxBytes {
		return nil, nil, fmt.Errorf("%s: %d bytes, more than %d", file, len(data), MaxBytes)
	}
	dec := yaml.NewDecoder(strings.NewReader(string(data)))
	var doc, more yaml.Node
	if err := dec.Decode(&doc); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", file, err)
	}
	if len(doc.Content) != 1 {
		return nil, nil, fmt.Errorf("%s: no document", file)
	}
	switch err := dec.Decode(&more); {
	case err != nil && err.Error() != "EOF":
		return nil, nil, fmt.Errorf("%s: %w", file, err)
	case err == nil:
		return nil, nil, &Error{File: file, Line: max(more.Line, 1), Column: max(more.Column, 1), Text: "a second document; one is expected"}
	}
	return r, doc.Content[0], nil
}

// Errorf notes a mistake at n.
func (r *Reader) Errorf(n *yaml.Node, format string, args ...any) {
	if len(r.errs) < maxErrors {
		r.errs = append(r.errs, &Error{File: r.file, Line: n.Line, Column: n.Column, Text: fmt.Sprintf(format, args...)})
	}
}

// Err gives all mistakes found so far, joined, or nil.
func (r *Reader) Err() error { return errors.Join(r.errs...) }

// Errs gives the mistakes found so far.
func (r *Reader) Errs() []error { return r.errs }

// Keys says what to do with the value of each key of a mapping.
type Keys map[string]func(*yaml.Node)

// Map reads a mapping with exactly those keys, in the file's order; the
// required ones must be there.
func (r *Reader) Map(n *yaml.Node, keys Keys, required ...string) {
	seen := map[string]bool{}
	r.Pairs(n, func(k, v *yaml.Node) {
		seen[k.Value] = true
		f, ok := keys[k.Value]
		if !ok {
			names := make([]string, 0, len(keys))
			for name := range keys {
				names = append(names, name)
			}
			r.Errorf(k, "unknown key %q%s", k.Value, Hint(k.Value, names))
			return
		}
		f(v)
	})
	if n.Kind != yaml.MappingNode {
		return
	}
	for _, name := range required {
		if !seen[name] {
			r.Errorf(n, "key %q is missing", name)
		}
	}
}

// Pairs calls f for each key of a mapping, in the file's order.
func (r *Reader) Pairs(n *yaml.Node, f func(k, v *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		r.Errorf(n, "a mapping (key: value) is expected, not %s", Kind(n))
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if k.Kind != yaml.ScalarNode {
			r.Errorf(k, "a key is expected, not %s", Kind(k))
			continue
		}
		if line, dup := seen[k.Value]; dup {
			r.Errorf(k, "key %q is there twice, first in line %d", k.Value, line)
			continue
		}
		seen[k.Value] = k.Line
		f(k, v)
	}
}

// Items calls f for each element of a sequence.
func (r *Reader) Items(n *yaml.Node, f func(*yaml.Node)) {
	if n.Kind != yaml.SequenceNode {
		r.Errorf(n, "a list is expected, not %s", Kind(n))
		return
	}
	for _, item := range n.Content {
		f(item)
	}
}

// Text reads a scalar as it stands.
func (r *Reader) Text(n *yaml.Node) string {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		r.Errorf(n, "a text is expected, not %s", Kind(n))
		return ""
	}
	return n.Value
}

// Texts reads a list of scalars.
func (r *Reader) Texts(n *yaml.Node) []string {
	var out []string
	r.Items(n, func(n *yaml.Node) { out = append(out, r.Text(n)) })
	return out
}

// OneOf reads a scalar of a closed set.
func (r *Reader) OneOf(n *yaml.Node, set ...string) string {
	s := r.Text(n)
	for _, v := range set {
		if s == v {
			return s
		}
	}
	if n.Kind == yaml.ScalarNode {
		r.Errorf(n, "%q is not one of %s%s", s, strings.Join(set, ", "), Hint(s, set))
	}
	return ""
}

// Int reads a whole number within [least, most].
func (r *Reader) Int(n *yaml.Node, least, most int64) int64 {
	v, err := strconv.ParseInt(n.Value, 10, 64)
	if n.Kind != yaml.ScalarNode || err != nil {
		r.Errorf(n, "a whole number is expected, not %s", Kind(n))
		return least
	}
	if v < least || v > most {
		r.Errorf(n, "%d is not within %d and %d", v, least, most)
		return least
	}
	return v
}

// Bool reads true or false.
func (r *Reader) Bool(n *yaml.Node) bool {
	if n.Kind != yaml.ScalarNode || n.Tag != "!!bool" {
		r.Errorf(n, "true or false is expected, not %s", Kind(n))
		return false
	}
	return n.Value == "true" || n.Value == "True" || n.Value == "TRUE"
}

// Kind names what a node is, for messages.
func Kind(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias (aliases are not read)"
	case yaml.DocumentNode, yaml.ScalarNode:
	}
	if n.Tag == "!!null" {
		return "nothing"
	}
	return strconv.Quote(n.Value)
}

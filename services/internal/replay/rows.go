package replay

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"github.com/nabz/nabz/pkg/mapping"
	"github.com/nabz/nabz/pkg/source"
)

// maxLine bounds one row: a call log's row has a few hundred bytes.
const maxLine = 1 << 20

// rows reads a file row by row.
type rows struct {
	file   *os.File
	m      *mapping.Mapping
	lines  *bufio.Reader
	ahead  []string // lines that were read and are to be read again
	held   error    // what ended the reading ahead, told behind those lines
	line   int      // that was read last
	began  int      // line at which the row that was read last began
	header []string
}

// openRows opens a file and reads its header.
func openRows(path string, m *mapping.Mapping) (*rows, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open call log: %w", err)
	}
	r := &rows{file: file, m: m}
	// A byte order mark says more than any declaration.
	text := transform.NewReader(bufio.NewReaderSize(file, 1<<16), unicode.BOMOverride(decoderOf(m.Encoding)))
	r.lines = bufio.NewReaderSize(text, 1<<16)
	switch {
	case m.Format == mapping.JSONL:
		r.header = m.Columns()
	case !m.Header:
		r.header = m.Declared()
	default:
		if r.header, _, err = r.next(); err != nil {
			_ = file.Close()
			if errors.Is(err, io.EOF) {
				return nil, fmt.Errorf("read header of %s: the file is empty", path)
			}
			return nil, fmt.Errorf("read header of %s: %w", path, err)
		}
	}
	return r, nil
}

func decoderOf(name string) transform.Transformer {
	switch name {
	case "utf-16":
		return unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM).NewDecoder()
	case "iso-8859-1":
		return charmap.ISO8859_1.NewDecoder()
	case "iso-8859-2":
		return charmap.ISO8859_2.NewDecoder()
	case "iso-8859-9":
		return charmap.ISO8859_9.NewDecoder()
	case "iso-8859-15":
		return charmap.ISO8859_15.NewDecoder()
	case "windows-1250":
		return charmap.Windows1250.NewDecoder()
	case "windows-1251":
		return charmap.Windows1251.NewDecoder()
	case "windows-1252":
		return charmap.Windows1252.NewDecoder()
	case "windows-1253":
		return charmap.Windows1253.NewDecoder()
	case "windows-1254":
		return charmap.Windows1254.NewDecoder()
	case "windows-1255":
		return charmap.Windows1255.NewDecoder()
	case "windows-1256":
		return charmap.Windows1256.NewDecoder()
	}
	// What is no UTF-8 must be told with its row, not replaced.
	return encoding.Nop.NewDecoder()
}

// Close closes the file.
func (r *rows) Close() { _ = r.file.Close() }

// next gives the next row and its line. At the end the error is io.EOF. A bad
// row is a *source.RowError; the next one can be read.
func (r *rows) next() ([]string, int, error) {
	for {
		values, err := r.record()
		if err != nil {
			return nil, r.line, err
		}
		if len(values) == 1 && strings.TrimSpace(values[0]) == "" && len(r.header) != 1 ||
			r.m.Comment != "" && strings.HasPrefix(values[0], r.m.Comment) {
			continue
		}
		return values, r.began, nil
	}
}

func (r *rows) record() ([]string, error) {
	if r.m.Format == mapping.CSV {
		return r.quotedRow()
	}
	for {
		line, err := r.readLine()
		if err != nil {
			return nil, err
		}
		r.began = r.line
		if r.m.Format == mapping.TSV {
			return strings.Split(line, "\t"), nil
		}
		if strings.TrimSpace(line) != "" {
			return r.object(line)
		}
	}
}

// readLine gives the next line without its end.
func (r *rows) readLine() (string, error) {
	if len(r.ahead) > 0 {
		line := r.ahead[0]
		r.ahead = r.ahead[1:]
		r.line++
		return line, nil
	}
	if err := r.held; err != nil {
		r.held = nil
		return "", err
	}
	var long []byte
	for {
		part, err := r.lines.ReadSlice('\n')
		if len(long)+len(part) <= maxLine {
			long = append(long, part...)
		} else {
			long = append(long[:maxLine], ' ') // remembered as too long
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil && (len(part) == 0 && len(long) == 0 || !errors.Is(err, io.EOF)) {
			return "", err
		}
		break
	}
	r.line++
	if len(long) > maxLine {
		return "", &source.RowError{Line: r.line, Text: "the line is longer than a row may be"}
	}
	return strings.TrimRight(string(long), "\r\n"), nil
}

// object finds the mapping's columns in a line of JSON: a column is a path such
// as call.agent.id.
func (r *rows) object(line string) ([]string, error) {
	dec := json.NewDecoder(strings.NewReader(line))
	dec.UseNumber()
	var root map[string]any
	if err := dec.Decode(&root); err != nil || dec.More() {
		return nil, &source.RowError{Line: r.line, Text: "not one JSON object"}
	}
	out := make([]string, len(r.header))
	for i, path := range r.header {
		out[i] = lookup(root, path)
	}
	return out, nil
}

// lookup gives the value at a path as text; nothing where there is none.
func lookup(root map[string]any, path string) string {
	if v, ok := root[path]; ok {
		return textOf(v)
	}
	head, rest, dotted := strings.Cut(path, ".")
	if !dotted {
		return ""
	}
	switch inner := root[head].(type) {
	case map[string]any:
		return lookup(inner, rest)
	case []any:
		// An element of a list goes by its number.
		numbered := make(map[string]any, len(inner))
		for i, v := range inner {
			numbered[strconv.Itoa(i)] = v
		}
		return lookup(numbered, rest)
	}
	return ""
}

func textOf(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return fmt.Sprint(v)
	}
	return ""
}

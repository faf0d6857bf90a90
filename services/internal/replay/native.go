package replay

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/nabz/nabz/pkg/mapping"
	"github.com/nabz/nabz/pkg/source"
)

// plain is how the lines of a native log are read: each is a row.
var plain = &mapping.Mapping{Format: mapping.TSV, Encoding: "utf-8"}

// eachRow reads a native log from its start.
func (r *replay) eachRow(f func(line int, events []source.Event, bad *source.RowError) error) error {
	in, err := openRows(r.File, plain)
	if err != nil {
		return err
	}
	defer in.Close()
	native := r.Native()
	for {
		text, err := in.readLine()
		if errors.Is(err, io.EOF) {
			return nil
		}
		bad, ok := errors.AsType[*source.RowError](err)
		if err != nil && !ok {
			return fmt.Errorf("read %s, line %d: %w", r.File, in.line, err)
		}
		if bad == nil && strings.TrimSpace(text) == "" {
			continue
		}
		var events []source.Event
		if bad == nil {
			if events, err = native.Row(int64(in.line), text); err != nil {
				bad = &source.RowError{Line: in.line, Text: err.Error()}
			}
		}
		if err := f(in.line, events, bad); err != nil {
			return err
		}
	}
}

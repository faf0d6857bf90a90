package replay

import (
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/nabz/nabz/pkg/source"
)

// maxShuffled is how many events are shuffled at most: they are held in memory,
// about half a kilobyte each.
const maxShuffled = 2_000_000

// survey is what the first reading of a file finds.
type survey struct {
	rows, events, bad, empty int64
	least, greatest          int64
	coming                   []int64         // by block of rows: least time from there on
	types                    map[string]bool // of events
}

// survey reads the file for the first time.
func (r *replay) survey() (survey, error) {
	s := survey{least: math.MaxInt64, greatest: math.MinInt64, types: map[string]bool{}}
	told := time.Now()
	err := r.each(func(line int, events []source.Event, bad *source.RowError) error {
		block := int(s.rows / blockRows)
		if len(s.coming) <= block {
			s.coming = append(s.coming, math.MaxInt64)
		}
		s.rows++
		switch {
		case bad != nil:
			if s.bad++; s.bad <= shownErrors {
				fmt.Fprintf(r.Progress, "%s: %v\n", r.File, bad)
			}
		case len(events) == 0:
			s.empty++
		}
		for _, e := range events {
			s.events++
			s.types[e.Type] = true
			s.least, s.greatest = min(s.least, e.Time), max(s.greatest, e.Time)
			s.coming[block] = min(s.coming[block], e.Time)
		}
		if time.Since(told) > time.Second {
			told = time.Now()
			fmt.Fprintf(r.Progress, "read %d rows\n", s.rows)
		}
		return nil
	})
	if s.bad > shownErrors {
		fmt.Fprintf(r.Progress, "%s: %d more bad rows\n", r.File, s.bad-shownErrors)
	}
	for i := len(s.coming) - 2; i >= 0; i-- {
		s.coming[i] = min(s.coming[i], s.coming[i+1])
	}
	return s, err
}

// each reads the file from its start.
func (r *replay) each(f func(line int, events []source.Event, bad *source.RowError) error) error {
	if r.Native != nil {
		return r.eachRow(f)
	}
	in, err := openRows(r.File, r.Mapping)
	if err != nil {
		return err
	}
	defer in.Close()
	plan, err := r.Mapping.Bind(in.header)
	if err != nil {
		return &mappingError{err}
	}
	for {
		values, line, err := in.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		bad, ok := errors.AsType[*source.RowError](err)
		if err != nil && !ok {
			return fmt.Errorf("read %s, line %d: %w", r.File, line, err)
		}
		var events []source.Event
		if bad == nil {
			events, bad = plan.Row(line, values)
		}
		if err := f(line, events, bad); err != nil {
			return err
		}
	}
}

// events gives each event as text and the least time still to be sent behind
// it, in the order of the file or shuffled, and calls done at the end.
func (r *replay) events(f func(body []byte, least int64) error, done func() error) error {
	if r.Shuffle > 0 {
		return r.shuffled(f, done)
	}
	row := 0
	err := r.each(func(_ int, events []source.Event, _ *source.RowError) error {
		// Of the own block all is still to come.
		least := r.sum.coming[row/blockRows]
		row++
		for i := range events {
			if err := f(events[i].AppendJSON(nil, r.extensions), least); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return done()
}

// shuffled sends every event at its time plus a random part of Shuffle.
func (r *replay) shuffled(f func(body []byte, least int64) error, done func() error) error {
	if r.sum.events > maxShuffled {
		return fmt.Errorf("shuffle %d events: at most %d are held in memory", r.sum.events, maxShuffled)
	}
	type shuffledEvent struct {
		at, time, least int64
		body            []byte
	}
	random := rand.New(rand.NewPCG(r.Seed, 0))
	all := make([]shuffledEvent, 0, r.sum.events)
	err := r.each(func(_ int, events []source.Event, _ *source.RowError) error {
		for i := range events {
			e := &events[i]
			all = append(all, shuffledEvent{at: e.Time + random.Int64N(r.Shuffle.Milliseconds()+1), time: e.Time, body: e.AppendJSON(nil, r.extensions)})
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortStableFunc(all, func(a, b shuffledEvent) int { return int(min(max(a.at-b.at, -1), 1)) })
	least := int64(math.MaxInt64)
	for i := len(all) - 1; i >= 0; i-- {
		least = min(least, all[i].time)
		all[i].least = least
	}
	for i := range all {
		if err := f(all[i].body, all[i].least); err != nil {
			return err
		}
	}
	return done()
}

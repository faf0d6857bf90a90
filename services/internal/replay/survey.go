package replay

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/nabz/nabz/pkg/source"
)

// maxShuffled and maxSorted are how many events are sent in an order of their
// own at most: they are held in memory, about half a kilobyte each.
const (
	maxShuffled = 2_000_000
	maxSorted   = 500_000
)

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
// it, and calls done at the end. Files are often in the order of a table, not of
// time; in the order of time nothing is late, intervals close as they go by, and
// each costs what it cost when it happened. A file too large to be held goes in
// its own order.
func (r *replay) events(f func(body []byte, least int64) error, done func() error) error {
	if r.Shuffle > 0 || r.sum.events <= int64(cmp.Or(r.Hold, maxSorted)) {
		return r.sorted(f, done)
	}
	return r.asRead(f, done)
}

// asRead gives the events in the order of the file.
func (r *replay) asRead(f func(body []byte, least int64) error, done func() error) error {
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

// sorted gives every event at its time plus a random part of Shuffle.
func (r *replay) sorted(f func(body []byte, least int64) error, done func() error) error {
	if r.sum.events > maxShuffled {
		return fmt.Errorf("shuffle %d events: at most %d are held in memory", r.sum.events, maxShuffled)
	}
	type held struct {
		at, time, least int64
		body            []byte
	}
	random := rand.New(rand.NewPCG(r.Seed, 0))
	all := make([]held, 0, r.sum.events)
	err := r.each(func(_ int, events []source.Event, _ *source.RowError) error {
		for i := range events {
			e := &events[i]
			all = append(all, held{at: e.Time + random.Int64N(r.Shuffle.Milliseconds()+1), time: e.Time, body: e.AppendJSON(nil, r.extensions)})
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortStableFunc(all, func(a, b held) int { return cmp.Compare(a.at, b.at) })
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

package sim

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/row"
	"github.com/nabz/nabz/pkg/track"
)

// checkEpochs holds the computations beside each other to their law: each was
// made under one set of definitions, the last is of those that are in force and
// not below what was asked for, and every row of an older one, however far that
// came, is one that a task which never stopped gives at that version.
func (w *world) checkEpochs(last *track.Task) error {
	under := map[int64]string{}
	for _, k := range slices.Sorted(maps.Keys(w.store.Rows)) {
		r, ok := w.store.Rows[k].Row.(*row.Progress)
		if !ok {
			continue
		}
		if was, known := under[r.Epoch]; known && was != r.Definitions {
			return fmt.Errorf("epoch %d is computed under the definitions %s and %s", r.Epoch, was, r.Definitions)
		}
		under[r.Epoch] = r.Definitions
	}
	for i := range w.log {
		if e := w.log[i].Event; e.Type == event.TypeEpoch && e.Sequence > last.Epoch() {
			return fmt.Errorf("epoch %d was asked for, and the last is %d", e.Sequence, last.Epoch())
		}
	}
	for epoch, definitions := range under {
		if epoch > last.Epoch() {
			return fmt.Errorf("there are rows of epoch %d, and the last is %d", epoch, last.Epoch())
		}
		if epoch == last.Epoch() {
			continue
		}
		number, err := strconv.Atoi(definitions)
		if err != nil {
			return fmt.Errorf("epoch %d: %w", epoch, err)
		}
		config := w.plan(number).Config
		config.Epoch = epoch
		if err := w.once(epoch, config); err != nil {
			return fmt.Errorf("epoch %d: %w", epoch, err)
		}
	}
	if under[last.Epoch()] != strconv.Itoa(w.defs) && len(under) > 0 {
		return fmt.Errorf("epoch %d is the last and of the definitions %q, in force are %d", last.Epoch(), under[last.Epoch()], w.defs)
	}
	return nil
}

// once holds what is left of an ended computation against every row that a
// task gives which writes after each record.
func (w *world) once(epoch int64, config track.Config) error {
	left := map[uint64]string{}
	for key, x := range w.store.Rows {
		if _, progress := x.Row.(*row.Progress); progress || epochOf(x.Row) != epoch {
			continue // how far one speaks depends on when it is written
		}
		left[x.Hash] = key
	}
	t := track.NewTask(config)
	for at := 0; at < len(w.log) && len(left) > 0; at++ {
		t.Step(int64(at), w.log[at].Bytes)
		t.Flush(func(e track.Effect) { delete(left, hash(e.Value)) })
	}
	for _, key := range slices.Sorted(maps.Values(left)) {
		return fmt.Errorf("%s is no row of a task that never stops: %+v", key, w.store.Rows[key])
	}
	return nil
}

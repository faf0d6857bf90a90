package track

import (
	"errors"
)

// Kept is the state that a new owner finds: of the newest whole checkpoint
// before its claim.
type Kept struct {
	Entries  map[string]string
	Position int64 // offset of the first record that is not in it
}

// Resume makes the task that a new owner works on: the one whose state is kept,
// or one with nothing in it, of a greater number, where the state was made under
// other definitions or asked is greater than its epoch. Kept is nil where
// nothing is.
func Resume(c Config, kept *Kept, asked int64) (*Task, error) {
	if kept == nil {
		c.Epoch = max(c.Epoch, asked)
		return begin(c, "no state is kept"), nil
	}
	t, err := Restore(c, kept.Entries, kept.Position)
	if other, changed := errors.AsType[*OtherDefinitionsError](err); changed {
		c.Epoch = max(other.Epoch+1, asked)
		return begin(c, other.Error()), nil
	}
	if err != nil || asked <= t.Epoch() {
		return t, err
	}
	c.Epoch = asked
	return begin(c, "a record asks for it"), nil
}

func begin(c Config, why string) *Task {
	t := NewTask(c)
	t.begun = why
	return t
}

// Begun says why the task begins its epoch; empty: it goes on in one.
func (t *Task) Begun() string { return t.begun }

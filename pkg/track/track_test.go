package track

import (
	"errors"
	"fmt"
	"testing"

	"github.com/nabz/nabz/pkg/event"
	"github.com/nabz/nabz/pkg/fact"
	"github.com/nabz/nabz/pkg/item"
	"github.com/nabz/nabz/pkg/pane"
	"github.com/nabz/nabz/pkg/row"
)

// fragile is a tracker that makes one fact an item and fails on a bad event.
type fragile struct{ family *fact.Family }

func (f fragile) Fold(it *item.Item, _ int64, out *fact.Buffer) (lostAt, overAt int64) {
	for i := range it.Events {
		if it.Events[i].Type == "bad" {
			panic("an event that no fold can take")
		}
	}
	if len(it.Events) > 0 {
		v := out.Add(f.family, it.Events[0].UID, it.Events[0].Time)
		v[0] = fact.Int(int64(len(it.Events)))
	}
	return event.Never, it.Last()
}

func (f fragile) Settled(it *item.Item, _, bound int64, _ func(*item.Held)) int {
	if it.Last() < bound {
		return len(it.Events)
	}
	return 0
}

func fragileTask() *Task {
	family := &fact.Family{Name: "thing", Kind: "thing", Columns: []fact.Column{{Number: 1, Name: "events", Type: fact.Count}}}
	return NewTask(Config{
		Epoch: 1, Rank: func(string) int { return 0 }, Layouts: []*pane.Layout{pane.NewLayout(family, nil)},
		Kinds: []Kind{{Name: "thing", Tracker: fragile{family}, Timing: Timing{Horizon: 1000, Linger: 10}}},
	})
}

func thing(n int, typ, entity string) []byte {
	e := event.Event{Tenant: "t", Type: typ, Kind: "thing", Entity: entity, Time: int64(1_000_000 + n), Hash: uint64(n + 1)}
	copy(e.UID[:], fmt.Sprintf("%016d", n))
	return e.Append(nil)
}

func flushed(t *testing.T, task *Task) (facts []*row.Fact, rejects []*row.Reject) {
	t.Helper()
	task.Flush(func(e Effect) {
		r, err := row.Decode(e.Value)
		if err != nil {
			t.Fatal(err)
		}
		switch r := r.(type) {
		case *row.Fact:
			facts = append(facts, r)
		case *row.Reject:
			rejects = append(rejects, r)
		}
	})
	return facts, rejects
}

// TestPoison shows that a step that fails has no effect but a reject, and that
// the task goes on.
func TestPoison(t *testing.T) {
	task := fragileTask()
	task.Step(0, thing(0, "good", "a"))
	task.Step(1, thing(1, "bad", "a"))
	task.Step(2, []byte{0xff})
	task.Step(3, thing(3, "good", "a"))
	facts, rejects := flushed(t, task)
	if len(facts) != 1 || facts[0].Values[0].Int != 2 || facts[0].Version != 3 {
		t.Errorf("facts %+v, want one of two events, of version 3", facts)
	}
	if len(rejects) != 2 || rejects[0].Reason != row.Poison || rejects[0].Offset != 1 || rejects[1].Reason != row.Malformed || rejects[1].Offset != 2 {
		t.Errorf("rejects %+v, want poison at 1 and malformed at 2", rejects)
	}
	if task.Position() != 4 {
		t.Errorf("position %d, want 4", task.Position())
	}
}

// TestCaps shows the bounds of an item and of the number of feeds.
func TestCaps(t *testing.T) {
	task := fragileTask()
	for n := range item.MaxEvents + 3 {
		task.Step(int64(n), thing(n, "good", "a"))
	}
	_, rejects := flushed(t, task)
	if len(rejects) != 3 || rejects[0].Reason != row.Capped {
		t.Errorf("%d rejects, want 3 as capped: %+v", len(rejects), rejects)
	}
	offset := task.Position()
	for n := range MaxFeeds + 2 {
		e := event.Event{Tenant: "t", Feed: fmt.Sprint("f", n), Type: event.TypeFeedOpened, Time: 1, Session: 1, Generation: 1}
		task.Step(offset+int64(n), e.Append(nil))
	}
	_, rejects = flushed(t, task)
	if len(rejects) != 3 || rejects[0].Reason != row.Capped { // the live feed is one of them
		t.Errorf("%d rejects, want 3 feeds too many: %+v", len(rejects), rejects)
	}
}

// TestDefinitionsBeginAnEpoch shows that state made under other definitions is
// not gone on with.
func TestDefinitionsBeginAnEpoch(t *testing.T) {
	task := fragileTask()
	task.Step(0, thing(0, "good", "a"))
	entries := map[string]string{}
	task.Checkpoint(0, func(k, v []byte) { entries[string(k)] = string(v) })
	c := task.cfg
	again, err := Restore(c, entries, 1)
	if err != nil || again.cfg.Epoch != 1 || again.Items() != 1 {
		t.Fatalf("restored %+v, %v", again, err)
	}
	c.Definitions = "others"
	_, err = Restore(c, entries, 1)
	if other, ok := errors.AsType[*OtherDefinitionsError](err); !ok || other.Epoch != 1 {
		t.Errorf("got %v, want that the state is of epoch 1 and other definitions", err)
	}
	c.Definitions, c.Epoch = task.cfg.Definitions, 7
	if again, err = Restore(c, entries, 1); err != nil || again.cfg.Epoch != 1 {
		t.Errorf("an epoch other than the state's own: %d, %v, want 1", again.cfg.Epoch, err)
	}
}

package sim

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/nabz/nabz/pkg/statelog"
	"github.com/nabz/nabz/pkg/track"
)

// world is one partition with everything around it.
type world struct {
	plan    func(definitions int) Plan
	defs    int // the definitions of the next owner
	changes *rand.Rand
	held    int // restored tasks held against one that never stopped
	rnd     *rand.Rand
	trouble map[string]bool
	log     []Record
	visible int // how much of the log has been written

	state   [][]byte // the state log; its offset is the index
	start   int      // what lies before it is deleted
	store   *Store
	workers []*worker
	claims  int
}

// worker is an owner with the writes it has under way. It keeps the contract of
// the real shell: writes of one log stay in order, and the first that fails is
// the end of the owner.
type worker struct {
	owner *track.Owner
	nonce int64
	tail  int      // next record of the state log that it reads
	rows  [][]byte // under way
	diffs [][]byte // delta records under way
	foot  []byte   // footer under way
	dead  bool
	asked int64 // the epoch that ended it, 0: none
}

// Run drives a partition through accidents until everything is processed and
// kept, and gives what ended up in the store.
func (w *world) run() (*worker, error) {
	for steps := 0; !w.done() && steps < 4*len(w.log)+1000; steps++ {
		if err := w.step(); err != nil {
			return nil, err
		}
	}
	w.visible = len(w.log)
	return w.finish()
}

// done tells whether all is written, and some owner has kept most of it: until
// then accidents go on.
func (w *world) done() bool {
	return w.visible == len(w.log) && slices.ContainsFunc(w.workers, func(k *worker) bool {
		p, ok := k.owner.Saved()
		return ok && p > int64(len(w.log))*9/10
	})
}

// finish lets one last owner, undisturbed, do what is left; then another takes
// over, and nothing may change any more.
func (w *world) finish() (*worker, error) {
	var k *worker
	for done, asked := 0, int64(0); done < 2; {
		var err error
		if k, err = w.claim(asked); err != nil {
			return nil, err
		}
		if err := w.complete(k); err != nil {
			return nil, err
		}
		if k.asked > 0 && k.asked <= asked {
			return nil, fmt.Errorf("epoch %d is asked for again by the owner that began it", asked)
		}
		if asked = k.asked; asked == 0 {
			done++
		}
	}
	return k, w.store.Err
}

// complete lets an owner do all that is to be done, unless a record asks for
// another computation.
func (w *world) complete(k *worker) error {
	if !k.owner.Ready() {
		w.keep(k)
		for k.tail < len(w.state) && !k.dead {
			w.read(k)
		}
	}
	if !k.owner.Ready() {
		return errors.New("an owner kept its epoch and may not begin it")
	}
	for k.owner.Task().Position() < int64(w.visible) {
		if w.process(k); k.dead {
			return nil
		}
	}
	w.keep(k)
	if p, ok := k.owner.Saved(); !ok || p != int64(w.visible) {
		return fmt.Errorf("the last owner saved position %d of %d", p, w.visible)
	}
	return nil
}

// keep makes a whole checkpoint.
func (w *world) keep(k *worker) {
	w.checkpoint(k)
	for len(k.rows) > 0 {
		w.landRow(k, false)
	}
	for len(k.diffs) > 0 {
		w.landDelta(k)
	}
	w.footer(k)
	w.landFooter(k)
}

// step lets one thing happen.
func (w *world) step() error {
	if w.visible < len(w.log) && w.rnd.IntN(3) > 0 {
		w.visible++
	}
	asked := int64(0)
	w.workers = slices.DeleteFunc(w.workers, func(k *worker) bool {
		asked = max(asked, k.asked)
		return k.dead
	})
	switch {
	case asked > 0 && !(w.trouble["crashes"] && w.rnd.IntN(4) == 0):
		k, err := w.claim(asked)
		if err != nil {
			return err
		}
		w.workers = append(w.workers, k)
	case len(w.workers) == 0, w.trouble["zombies"] && len(w.workers) < 3 && w.rnd.IntN(w.patience()) == 0:
		w.deploy()
		k, err := w.claim(0)
		if err != nil {
			return err
		}
		w.workers = append(w.workers, k)
	case w.trouble["crashes"] && w.rnd.IntN(200) == 0:
		w.workers[w.rnd.IntN(len(w.workers))].dead = true
		return nil
	case w.trouble["returning state"] && w.rnd.IntN(100) == 0:
		w.start = 0
		return nil
	}
	w.move(w.workers[w.rnd.IntN(len(w.workers))])
	return w.store.Err
}

// move lets a worker do one thing that it may do now.
func (w *world) move(k *worker) {
	switch w.rnd.IntN(12) {
	case 0:
		w.flush(k)
		w.look(k)
	case 1:
		w.checkpoint(k)
	case 2, 3:
		for n := w.rnd.IntN(60); n > 0 && !k.dead; n-- {
			w.landRow(k, w.trouble["maybe applied"] && w.rnd.IntN(600) == 0)
		}
	case 4, 5:
		w.landDelta(k)
	case 6:
		w.footer(k)
	case 7:
		w.landFooter(k)
	case 8:
		w.read(k)
	default:
		w.process(k)
	}
}

func (w *world) process(k *worker) {
	t := k.owner.Task()
	for n := 1 + w.rnd.IntN(6); n > 0 && t.Position() < int64(w.visible) && k.owner.Ready() && !k.dead; n-- {
		at := t.Position()
		t.Step(at, w.log[at].Bytes)
		if epoch, newer := t.Asked(); newer {
			k.dead, k.asked = true, epoch
		}
	}
}

func (w *world) flush(k *worker) {
	k.owner.Rows(func(e track.Effect) { k.rows = append(k.rows, slices.Clone(e.Value)) })
}

// look does what shells do between two records: it looks what is due, and
// writes verdicts before their flush.
func (w *world) look(k *worker) {
	t := k.owner.Task()
	t.Due(t.NextDue() + w.rnd.Int64N(60_000))
	k.owner.Verdicts(func(e track.Effect) { k.rows = append(k.rows, slices.Clone(e.Value)) })
}

func (w *world) checkpoint(k *worker) {
	if !k.owner.Idle() {
		return
	}
	k.diffs = k.owner.Deltas(1+w.rnd.IntN(4), func(e track.Effect) { k.rows = append(k.rows, slices.Clone(e.Value)) })
}

// landRow lets the oldest row under way arrive, now and then twice, or
// without its owner learning of it.
func (w *world) landRow(k *worker, unheard bool) {
	if len(k.rows) == 0 {
		return
	}
	w.store.Put(k.rows[0])
	if w.trouble["maybe applied"] && w.rnd.IntN(20) == 0 {
		w.store.Put(k.rows[0])
	}
	k.rows = k.rows[1:]
	if unheard {
		k.dead = true
		return
	}
	k.owner.RowAcked(1)
}

func (w *world) landDelta(k *worker) {
	if len(k.diffs) == 0 {
		return
	}
	k.owner.DeltaAcked(w.append(k.diffs[0]))
	k.diffs = k.diffs[1:]
}

func (w *world) footer(k *worker) {
	if b, ok := k.owner.Footer(); ok {
		k.foot = b
	}
}

func (w *world) landFooter(k *worker) {
	if k.foot == nil {
		return
	}
	w.append(k.foot)
	k.foot = nil
	k.owner.FooterAcked()
}

func (w *world) append(b []byte) int64 {
	w.state = append(w.state, b)
	return int64(len(w.state) - 1)
}

// read lets a worker read on in its state log; on another's claim it stops.
func (w *world) read(k *worker) {
	for n := 1 + w.rnd.IntN(8); n > 0 && k.tail < len(w.state); n-- {
		foreign, before := k.owner.Tail(int64(k.tail), w.state[k.tail])
		k.tail++
		if foreign {
			k.dead = true
			return
		}
		w.start = max(w.start, int(before))
	}
}

// patience is how many steps pass before an owner is taken for dead that is not.
func (w *world) patience() int {
	if w.changes != nil {
		return 100 // processors are restarted one by one, and work is handed to and fro
	}
	return 200
}

// deploy has the next owner come with other definitions, now and then.
func (w *world) deploy() {
	if w.changes != nil && w.changes.IntN(4) == 0 {
		w.defs = w.changes.IntN(3)
	}
}

// claim makes a new owner: it appends its claim, looks for the last whole
// checkpoint before it, and goes on from where that one says, or begins the
// epoch that was asked for.
func (w *world) claim(asked int64) (*worker, error) {
	w.claims++
	nonce := w.append(statelog.AppendClaim(nil, fmt.Sprintf("w%d", w.claims)))
	find := statelog.NewReader(nil)
	if err := w.replay(find, w.start, int(nonce)); err != nil {
		return nil, err
	}
	k := &worker{nonce: nonce, tail: int(nonce) + 1}
	config := w.plan(w.defs).Config
	last, ok := find.Last()
	if !ok {
		t, err := track.Resume(config, nil, asked)
		k.owner = track.NewOwner(t, nonce, int64(w.start))
		return k, err
	}
	entries := map[string]string{}
	build := statelog.NewReader(func(key, value []byte) {
		if value == nil {
			delete(entries, string(key))
			return
		}
		entries[string(key)] = string(value)
	})
	if err := w.replay(build, int(last.RestoreFrom), int(nonce)); err != nil {
		return nil, err
	}
	if again, _ := build.Last(); again != last {
		return nil, fmt.Errorf("claim %d: the last footer is %+v, but from its own restore point %+v", nonce, last, again)
	}
	t, err := track.Resume(config, &track.Kept{Entries: entries, Position: last.Position}, asked)
	if err != nil {
		return nil, fmt.Errorf("claim %d: %w", nonce, err)
	}
	if err := w.whole(t, config); err != nil {
		return nil, fmt.Errorf("claim %d: %w", nonce, err)
	}
	k.owner = track.NewOwner(t, nonce, last.RestoreFrom)
	return k, nil
}

// mostWhole is how many restored tasks of a world are held against one that
// never stopped: it steps all records from the first.
const mostWhole = 2

// whole holds that a restored task has as many entries in its state as one that
// never stopped: nothing is missing, and nothing that was dropped is back.
func (w *world) whole(t *track.Task, config track.Config) error {
	if w.held++; w.held > mostWhole || t.Begun() != "" {
		return nil
	}
	config.Epoch = t.Epoch()
	fresh := track.NewTask(config)
	for at := range t.Position() {
		fresh.Step(at, w.log[at].Bytes)
	}
	if t.Entries() != fresh.Entries() {
		return fmt.Errorf("restored at %d with %d entries, without a stop there would be %d", t.Position(), t.Entries(), fresh.Entries())
	}
	return nil
}

func (w *world) replay(r *statelog.Reader, from, to int) error {
	for i := from; i < to; i++ {
		if err := r.Read(int64(i), w.state[i]); err != nil {
			return err
		}
	}
	return nil
}

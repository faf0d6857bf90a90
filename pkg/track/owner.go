package track

import (
	"github.com/nabz/nabz/pkg/statelog"
)

// Owner decides what the owner of a partition may write when. It holds the one
// rule on which exactness rests: a position is written only when every row
// caused by the records before it has been acknowledged.
//
// Whoever drives it carries out what it hands out, in that order, and stops at
// the first write that fails: the next owner begins from the last footer.
type Owner struct {
	task   *Task
	nonce  int64
	places *statelog.Places

	given int64 // rows handed out
	acked int64 // of them acknowledged
	open  *checkpoint
	last  statelog.Footer // the last one acknowledged
	seen  int64           // group of the last own footer read back
	saved bool
}

type checkpoint struct {
	group, oldest int64
	position      int64
	rows          int64 // must be acknowledged first
	deltas, acked int64
	sent          bool
}

// NewOwner takes over a task whose claim has the offset nonce and whose state
// was restored from the log behind restoreFrom.
func NewOwner(t *Task, nonce, restoreFrom int64) *Owner {
	return &Owner{task: t, nonce: nonce, places: statelog.NewPlaces(restoreFrom)}
}

// Task is the machine that is owned.
func (o *Owner) Task() *Task { return o.task }

// Rows hands out the rows that are due, each to be acknowledged by RowAcked.
func (o *Owner) Rows(emit func(Effect)) {
	o.task.Flush(func(e Effect) {
		o.given++
		emit(e)
	})
}

// Verdicts hands out the verdicts that are due, before their flush: people wait
// for them.
func (o *Owner) Verdicts(emit func(Effect)) {
	o.task.FlushVerdicts(func(e Effect) {
		o.given++
		emit(e)
	})
}

// RowAcked says that n more rows are durable. Rows may be acknowledged in any
// order; all that counts is that none is missing.
func (o *Owner) RowAcked(n int) { o.acked += int64(n) }

// Waiting is how many rows are handed out and not acknowledged.
func (o *Owner) Waiting() int64 { return o.given - o.acked }

// Ready tells whether records may be stepped. An owner that begins an epoch first
// keeps its number, by a checkpoint with nothing else in it, and reads that
// back: until then it may be replaced by one of other definitions that begins
// the same number, and rows of both would share their keys.
func (o *Owner) Ready() bool { return o.task.Begun() == "" || o.seen > 0 }

// Idle tells whether a checkpoint may begin: one at a time.
func (o *Owner) Idle() bool { return o.open == nil }

// Deltas begins a checkpoint: rows as by Rows, then the records of the state
// log, each to be acknowledged by DeltaAcked in order. Sweep is how many
// unchanged entries are written again.
func (o *Owner) Deltas(sweep int, emit func(Effect)) [][]byte {
	o.Rows(emit)
	d := statelog.Deltas{Nonce: o.nonce, Group: o.nextGroup()}
	cp := &checkpoint{rows: o.given}
	cp.group, cp.oldest, cp.position = o.task.Checkpoint(sweep, d.Put)
	d.Close()
	cp.deltas = int64(len(d.Records))
	o.open = cp
	return d.Records
}

func (o *Owner) nextGroup() int64 {
	if !o.saved {
		return 1
	}
	return o.last.Group + 1
}

// DeltaAcked says that the next record of the checkpoint stands at offset.
func (o *Owner) DeltaAcked(offset int64) {
	if o.open.acked == 0 {
		o.places.Add(o.open.group, offset)
	}
	o.open.acked++
}

// Footer gives the record that ends the checkpoint, once: when its deltas and
// all rows before its position are acknowledged. Until then ok is false.
func (o *Owner) Footer() (record []byte, ok bool) {
	cp := o.open
	if cp == nil || cp.sent || cp.acked < cp.deltas || o.acked < cp.rows {
		return nil, false
	}
	cp.sent = true
	return statelog.AppendFooter(nil, o.footer()), true
}

func (o *Owner) footer() statelog.Footer {
	cp := o.open
	return statelog.Footer{
		Nonce: o.nonce, Group: cp.group, Records: cp.deltas,
		Position: cp.position, RestoreFrom: o.places.RestoreFrom(cp.oldest),
	}
}

// FooterAcked ends the checkpoint.
func (o *Owner) FooterAcked() {
	o.last, o.saved = o.footer(), true
	o.open = nil
}

// Tail takes a record that the owner reads in its own state log, in order. It
// tells whether another owner has come, and how much of the log may be
// deleted: all before that offset, or nothing if it is 0. The footer must have
// been read back, with no foreign claim before it, or a zombie would delete
// what its successor needs.
func (o *Owner) Tail(offset int64, record []byte) (foreign bool, deleteBefore int64) {
	if statelog.Foreign(o.nonce, offset, record) {
		return true, 0
	}
	if o.saved && o.last.Group > o.seen && statelog.IsFooter(o.nonce, o.last.Group, offset, record) {
		o.seen = o.last.Group
		return false, o.last.RestoreFrom
	}
	return false, 0
}

// Saved is the position of the last acknowledged checkpoint, and whether there
// is one.
func (o *Owner) Saved() (position int64, ok bool) { return o.last.Position, o.saved }

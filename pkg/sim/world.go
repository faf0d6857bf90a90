package sim

import (
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/nabz/nabz/pkg/row"
	"github.com/nabz/nabz/pkg/statelog"
	"github.com/nabz/nabz/pkg/track"
)

// Stored is the newest row of one key.
type Stored struct {
	Version int64
	Hash    uint64
	Row     row.Row
}

// Store keeps rows as ClickHouse will: of one key the greatest version. It
// fails where one key and version come with two contents.
type Store struct {
	Rows map[string]Stored
	Err  error
}

// NewStore makes an empty store.
func NewStore() *Store { return &Store{Rows: map[string]Stored{}} }

// Put takes one row.
func (s *Store) Put(b []byte) {
	r, err := row.Decode(b)
	if err != nil {
		s.fail("a row that cannot be read: %w", err)
		return
	}
	key, version := identity(r)
	h := fnv.New64a()
	h.Write(b)
	have, ok := s.Rows[key]
	switch {
	case ok && version == have.Version && h.Sum64() != have.Hash:
		s.fail("%s: version %d comes with two contents: %+v and %+v", key, version, have.Row, r)
	case !ok || version > have.Version:
		s.Rows[key] = Stored{version, h.Sum64(), r}
	}
}

func (s *Store) fail(format string, args ...any) {
	if s.Err == nil {
		s.Err = fmt.Errorf(format, args...)
	}
}

// identity is the key of a row, and its version.
func identity(r row.Row) (string, int64) {
	switch r := r.(type) {
	case *row.Fact:
		return fmt.Sprintf("fact %s/%s/%d %s %s %s %d", r.Tenant, r.Feed, r.Generation, r.Family, r.Item, r.ID, r.OpenedAt), r.Version
	case *row.Pane:
		return fmt.Sprintf("pane %s/%s/%d %s %d %d %q %d", r.Tenant, r.Feed, r.Generation, r.Family, r.Grain, r.Bucket, r.Dims, r.Incarnation), r.Version
	case *row.Reject:
		return fmt.Sprintf("reject %d", r.Offset), r.Version
	case *row.Verdict:
		return fmt.Sprintf("verdict %s/%s/%d %s %s %s %d", r.Tenant, r.Feed, r.Generation, r.Policy, r.Item, r.ID, r.Episode), r.Version
	case *row.Progress:
		return fmt.Sprintf("progress %s/%s/%d", r.Tenant, r.Feed, r.Generation), r.Position
	}
	return "", 0
}

// world is one partition with everything around it.
type world struct {
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
}

// Run drives a partition through accidents until everything is processed and
// kept, and gives what ended up in the store.
func run(rnd *rand.Rand, trouble map[string]bool, log []Record) (*Store, error) {
	w := &world{rnd: rnd, trouble: trouble, log: log, store: NewStore()}
	for steps := 0; w.visible < len(log) && steps < 200*len(log)+1000; steps++ {
		if err := w.step(); err != nil {
			return nil, err
		}
	}
	w.visible = len(log)
	return w.store, w.finish()
}

// finish lets one last owner, undisturbed, do what is left; then another takes
// over, and nothing may change any more.
func (w *world) finish() error {
	for range 2 {
		k, err := w.claim()
		if err != nil {
			return err
		}
		if err := w.complete(k); err != nil {
			return err
		}
	}
	return w.store.Err
}

func (w *world) complete(k *worker) error {
	for k.owner.Task().Position() < int64(w.visible) {
		w.process(k)
	}
	w.checkpoint(k)
	for len(k.rows) > 0 {
		w.landRow(k, false)
	}
	for len(k.diffs) > 0 {
		w.landDelta(k)
	}
	w.footer(k)
	w.landFooter(k)
	if p, ok := k.owner.Saved(); !ok || p != int64(w.visible) {
		return fmt.Errorf("the last owner saved position %d of %d", p, w.visible)
	}
	return nil
}

// step lets one thing happen.
func (w *world) step() error {
	if w.visible < len(w.log) && w.rnd.IntN(3) > 0 {
		w.visible++
	}
	w.workers = slices.DeleteFunc(w.workers, func(k *worker) bool { return k.dead })
	switch {
	case len(w.workers) == 0, w.trouble["zombies"] && len(w.workers) < 3 && w.rnd.IntN(150) == 0:
		k, err := w.claim()
		if err != nil {
			return err
		}
		w.workers = append(w.workers, k)
	case w.trouble["crashes"] && w.rnd.IntN(100) == 0:
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
		w.landRow(k, w.trouble["maybe applied"] && w.rnd.IntN(60) == 0)
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
	if at := t.Position(); at < int64(w.visible) {
		t.Step(at, w.log[at].Bytes)
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

// claim makes a new owner: it appends its claim, looks for the last whole
// checkpoint before it, and restores from where that one says.
func (w *world) claim() (*worker, error) {
	w.claims++
	nonce := w.append(statelog.AppendClaim(nil, fmt.Sprintf("w%d", w.claims)))
	find := statelog.NewReader(nil)
	if err := w.replay(find, w.start, int(nonce)); err != nil {
		return nil, err
	}
	k := &worker{nonce: nonce, tail: int(nonce) + 1}
	plan := NewPlan(0)
	last, ok := find.Last()
	if !ok {
		k.owner = track.NewOwner(track.NewTask(plan.Config), nonce, int64(w.start))
		return k, nil
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
	t, err := track.Restore(plan.Config, entries, last.Position)
	if err != nil {
		return nil, fmt.Errorf("claim %d: %w", nonce, err)
	}
	if err := w.whole(t); err != nil {
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
func (w *world) whole(t *track.Task) error {
	if w.held++; w.held > mostWhole {
		return nil
	}
	fresh := track.NewTask(NewPlan(0).Config)
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

// Clean processes a log without any accident, in one go.
func Clean(c track.Config, log [][]byte) (*Store, error) {
	s := NewStore()
	t := track.NewTask(c)
	for i := range log {
		t.Step(int64(i), log[i])
	}
	t.Flush(func(e track.Effect) { s.Put(e.Value) })
	return s, s.Err
}

// Same compares two stores: keys, versions and contents, of progress the
// contents alone.
func Same(a, b *Store) error {
	for _, k := range slices.Sorted(maps.Keys(a.Rows)) {
		x, y := a.Rows[k], b.Rows[k]
		if _, ok := b.Rows[k]; !ok {
			return fmt.Errorf("%s is only in the first: %+v", k, x.Row)
		}
		if px, ok := x.Row.(*row.Progress); ok {
			// How far a feed was last spoken of depends on when rows are
			// flushed; what is said of it does not.
			py := *y.Row.(*row.Progress)
			py.Position = px.Position
			if *px != py {
				return fmt.Errorf("%s differs:\n %+v\n %+v", k, x.Row, y.Row)
			}
			continue
		}
		if x.Version != y.Version || x.Hash != y.Hash {
			return fmt.Errorf("%s differs:\n %+v\n %+v", k, x.Row, y.Row)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(b.Rows)) {
		if _, ok := a.Rows[k]; !ok {
			return fmt.Errorf("%s is only in the second: %+v", k, b.Rows[k].Row)
		}
	}
	return nil
}

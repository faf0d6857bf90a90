package sim

import (
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"

	"github.com/nabz/nabz/pkg/row"
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
	key, x, ok := s.read(b)
	if !ok {
		return
	}
	have, known := s.Rows[key]
	switch {
	case known && x.Version == have.Version && x.Hash != have.Hash:
		s.fail("%s: version %d comes with two contents: %+v and %+v", key, x.Version, have.Row, x.Row)
	case !known || x.Version > have.Version:
		s.Rows[key] = x
	}
}

func (s *Store) read(b []byte) (key string, x Stored, ok bool) {
	r, err := row.Decode(b)
	if err != nil {
		s.fail("a row that cannot be read: %w", err)
		return "", x, false
	}
	x = Stored{Hash: hash(b), Row: r}
	key, x.Version = identity(r)
	return key, x, true
}

func hash(b []byte) uint64 {
	h := fnv.New64a()
	h.Write(b)
	return h.Sum64()
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
		return fmt.Sprintf("fact %s %s %s %s %d", at(r.Place), r.Family, r.Item, r.ID, r.OpenedAt), r.Version
	case *row.Pane:
		return fmt.Sprintf("pane %s %s %d %d %q %d", at(r.Place), r.Family, r.Grain, r.Bucket, r.Dims, r.Incarnation), r.Version
	case *row.Reject:
		return fmt.Sprintf("reject %d", r.Offset), r.Version
	case *row.Verdict:
		return fmt.Sprintf("verdict %s %s %s %s %d", at(r.Place), r.Policy, r.Item, r.ID, r.Episode), r.Version
	case *row.Progress:
		return "progress " + at(r.Place), r.Position
	}
	return "", 0
}

// at is the part of a key that all rows of a feed have. Computations stand beside
// each other, but what is refused is refused in all of them.
func at(p row.Place) string {
	return p.Tenant + "/" + p.Feed + "/" + strconv.FormatInt(p.Generation, 10) + "/" + strconv.FormatInt(p.Epoch, 10)
}

// epochOf is the computation that a row is of, 0 for one that is in all.
func epochOf(r row.Row) int64 {
	switch r := r.(type) {
	case *row.Fact:
		return r.Epoch
	case *row.Pane:
		return r.Epoch
	case *row.Verdict:
		return r.Epoch
	case *row.Progress:
		return r.Epoch
	}
	return 0
}

// in is what the store has of one computation.
func (s *Store) in(epoch int64) *Store {
	out := NewStore()
	for k, x := range s.Rows {
		if e := epochOf(x.Row); e == 0 || e == epoch {
			out.Rows[k] = x
		}
	}
	return out
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

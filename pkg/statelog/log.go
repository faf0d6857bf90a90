package statelog

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// MaxRecord is the size at which a delta record is closed and the next begun,
// in bytes: large enough that its own cost vanishes, far below the 1 MiB that
// brokers take by default.
const MaxRecord = 128 << 10

// Footer ends a checkpoint: the group of deltas before it is whole.
type Footer struct {
	Nonce       int64 // the owner's claim
	Group       int64
	Records     int64 // delta records of the group
	Position    int64 // offset of the first record of events that is not in the state
	RestoreFrom int64 // offset in the state log from which the whole state is there
}

// The first byte of a record of the state log.
const (
	tagClaim  = 'C'
	tagDelta  = 'D'
	tagFooter = 'F'
)

// AppendClaim encodes a claim; its nonce is the offset it gets. Owner is for
// people who read the log.
func AppendClaim(dst []byte, owner string) []byte {
	return protowire.AppendString(append(dst, tagClaim), owner)
}

// AppendFooter encodes a footer.
func AppendFooter(dst []byte, f Footer) []byte {
	dst = append(dst, tagFooter)
	for _, v := range [...]int64{f.Nonce, f.Group, f.Records, f.Position, f.RestoreFrom} {
		dst = protowire.AppendVarint(dst, protowire.EncodeZigZag(v))
	}
	return dst
}

// Deltas collects the entries of one checkpoint into records.
type Deltas struct {
	Nonce   int64
	Group   int64
	Records [][]byte
	open    []byte
}

// Put adds one entry; a nil value deletes its key.
func (d *Deltas) Put(key, value []byte) {
	if len(d.open) == 0 {
		if len(d.Records) > 0 {
			// Where there is much, the next is as long as the last.
			d.open = make([]byte, 0, cap(d.Records[0]))
		}
		d.open = append(d.open, tagDelta)
		d.open = protowire.AppendVarint(d.open, protowire.EncodeZigZag(d.Nonce))
		d.open = protowire.AppendVarint(d.open, protowire.EncodeZigZag(d.Group))
	}
	d.open = protowire.AppendBytes(d.open, key)
	if value == nil {
		d.open = append(d.open, 0)
	} else {
		d.open = append(d.open, 1)
		d.open = protowire.AppendBytes(d.open, value)
	}
	if len(d.open) >= MaxRecord {
		d.Close()
	}
}

// Close ends the last record.
func (d *Deltas) Close() {
	if len(d.open) > 0 {
		d.Records = append(d.Records, d.open)
		d.open = nil
	}
}

// ErrMalformed is what errors about the content of a record are.
var ErrMalformed = errors.New("malformed state record")

type record struct {
	tag    byte
	nonce  int64
	group  int64
	footer Footer
	body   []byte // entries of a delta
}

func parse(offset int64, b []byte) (record, error) {
	if len(b) == 0 {
		return record{}, fmt.Errorf("%w: empty, at offset %d", ErrMalformed, offset)
	}
	r := record{tag: b[0]}
	b = b[1:]
	ok := true
	next := func() int64 {
		v, n := protowire.ConsumeVarint(b)
		if n < 0 {
			ok = false
			return 0
		}
		b = b[n:]
		return protowire.DecodeZigZag(v)
	}
	switch r.tag {
	case tagClaim:
		r.nonce = offset
	case tagDelta:
		r.nonce, r.group = next(), next()
		r.body = b
	case tagFooter:
		r.footer = Footer{Nonce: next(), Group: next(), Records: next(), Position: next(), RestoreFrom: next()}
		r.nonce, r.group = r.footer.Nonce, r.footer.Group
	default:
		ok = false
	}
	if !ok {
		return record{}, fmt.Errorf("%w: tag %q, at offset %d", ErrMalformed, r.tag, offset)
	}
	return r, nil
}

// Reader reads a state log in order. It holds back the deltas of a group until
// its footer, and passes over records whose nonce is below the greatest seen:
// those of an owner who has been replaced and does not know it.
type Reader struct {
	greatest int64
	group    int64
	pending  [][]byte
	found    bool
	last     Footer
	apply    func(key, value []byte) // nil: only look for footers
}

// NewReader makes a reader that calls apply with the entries of whole groups,
// value nil for a deletion; apply may be nil.
func NewReader(apply func(key, value []byte)) *Reader {
	return &Reader{greatest: -1, apply: apply}
}

// Last is the newest valid footer read, and whether there is one.
func (r *Reader) Last() (Footer, bool) { return r.last, r.found }

// Read takes the record at an offset.
func (r *Reader) Read(offset int64, b []byte) error {
	rec, err := parse(offset, b)
	if err != nil {
		return err
	}
	if rec.nonce < r.greatest {
		return nil
	}
	if rec.nonce > r.greatest || rec.tag == tagDelta && rec.group != r.group {
		r.pending = r.pending[:0]
	}
	r.greatest = rec.nonce
	switch rec.tag {
	case tagDelta:
		r.group = rec.group
		r.pending = append(r.pending, rec.body)
	case tagFooter:
		if !r.follows(rec.footer) {
			r.pending = r.pending[:0]
			return nil
		}
		r.last, r.found = rec.footer, true
		return r.flush(offset)
	}
	return nil
}

// follows tells whether a footer ends a whole group that comes right behind the
// last whole one of its owner, so that no group is ever missing in between.
func (r *Reader) follows(f Footer) bool {
	if f.Records > 0 && f.Group != r.group || int64(len(r.pending)) != f.Records {
		return false
	}
	switch {
	case !r.found:
		return true
	case f.Nonce == r.last.Nonce:
		return f.Group == r.last.Group+1
	}
	return f.Group == 1
}

func (r *Reader) flush(offset int64) error {
	for _, b := range r.pending {
		if r.apply == nil {
			continue
		}
		if err := entries(b, r.apply); err != nil {
			return fmt.Errorf("group %d, footer at offset %d: %w", r.group, offset, err)
		}
	}
	r.pending = r.pending[:0]
	return nil
}

func entries(b []byte, apply func(key, value []byte)) error {
	for len(b) > 0 {
		key, n := protowire.ConsumeBytes(b)
		if n < 0 || len(b) == n {
			return fmt.Errorf("%w: key", ErrMalformed)
		}
		kept := b[n] == 1
		b = b[n+1:]
		if !kept {
			apply(key, nil)
			continue
		}
		value, n := protowire.ConsumeBytes(b)
		if n < 0 {
			return fmt.Errorf("%w: value", ErrMalformed)
		}
		b = b[n:]
		apply(key, value)
	}
	return nil
}

// Foreign tells whether a record is the claim of another owner than the one
// whose claim stands at nonce.
func Foreign(nonce, offset int64, b []byte) bool {
	return offset > nonce && len(b) > 0 && b[0] == tagClaim
}

// IsFooter tells whether a record is the footer that this owner wrote for a
// group.
func IsFooter(nonce, group, offset int64, b []byte) bool {
	rec, err := parse(offset, b)
	return err == nil && rec.tag == tagFooter && rec.nonce == nonce && rec.group == group
}

// Places remembers where in the log each group of this owner begins, to say
// from where a restore must read.
type Places struct {
	first []place
}

type place struct{ group, offset int64 }

// NewPlaces starts with the restore point of the state this owner took over,
// which stands for group 0.
func NewPlaces(restoreFrom int64) *Places {
	return &Places{first: []place{{0, restoreFrom}}}
}

// Add says at which offset the first record of a group lies; groups ascend.
func (p *Places) Add(group, offset int64) {
	p.first = append(p.first, place{group, offset})
}

// RestoreFrom is the offset from which every entry is there, when the oldest
// group that still holds one is given. Groups before it are forgotten.
func (p *Places) RestoreFrom(oldest int64) int64 {
	for len(p.first) > 1 && p.first[1].group <= oldest {
		p.first = p.first[1:]
	}
	return p.first[0].offset
}

package row

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/nabz/nabz/pkg/event"
)

// A record is the Protobuf message nabz.row.v1.Row: one of seven messages, each
// under a number of its own (schemas/events/row.proto).
const (
	numFact     = 1
	numPane     = 2
	numReject   = 3
	numProgress = 4
	numReading  = 5
	numVerdict  = 6
	numTally    = 7
)

// FirstColumn is added to the number of a fact's column on the wire.
const FirstColumn = 100

// ErrMalformed is what every error of [Decode] is.
var ErrMalformed = errors.New("malformed row")

// Append encodes r behind dst.
func Append(dst []byte, r Row) []byte {
	switch r := r.(type) {
	case *Fact:
		return wrap(dst, numFact, r.append)
	case *Pane:
		return wrap(dst, numPane, r.append)
	case *Reject:
		return wrap(dst, numReject, r.append)
	case *Progress:
		return wrap(dst, numProgress, r.append)
	case *Reading:
		return wrap(dst, numReading, r.append)
	case *Verdict:
		return wrap(dst, numVerdict, r.append)
	case *Tally:
		return wrap(dst, numTally, r.append)
	}
	panic("row: unknown row")
}

// wrap writes the message behind its tag and length. Most messages are shorter
// than 16 KiB, so two bytes are kept for the length and moved if need be.
func wrap(dst []byte, num protowire.Number, body func([]byte) []byte) []byte {
	dst = protowire.AppendTag(dst, num, protowire.BytesType)
	at := len(dst)
	dst = append(dst, 0, 0)
	dst = body(dst)
	n := len(dst) - at - 2
	if n < 1<<14 {
		dst[at], dst[at+1] = byte(n)|0x80, byte(n>>7)
		return dst
	}
	rest := append([]byte(nil), dst[at+2:]...)
	dst = protowire.AppendVarint(dst[:at], uint64(n))
	return append(dst, rest...)
}

// within writes a message inside another. Most are shorter than 128 bytes, so
// one byte is kept for the length and the message moved if need be.
func within(dst []byte, num protowire.Number, body func([]byte) []byte) []byte {
	dst = protowire.AppendTag(dst, num, protowire.BytesType)
	at := len(dst)
	dst = body(append(dst, 0))
	n := uint64(len(dst) - at - 1)
	if n < 1<<7 {
		dst[at] = byte(n)
		return dst
	}
	more := protowire.SizeVarint(n) - 1
	dst = append(dst, make([]byte, more)...)
	copy(dst[at+1+more:], dst[at+1:])
	protowire.AppendVarint(dst[:at], n)
	return dst
}

func (p *Place) append(b []byte) []byte {
	b = text(b, 1, p.Tenant)
	b = text(b, 2, p.Feed)
	b = num(b, 3, p.Generation)
	b = num(b, 4, p.Epoch)
	return num(b, 5, int64(p.Partition))
}

func (p *Place) set(n int32, v int64, s string) {
	switch n {
	case 1:
		p.Tenant = s
	case 2:
		p.Feed = s
	case 3:
		p.Generation = v
	case 4:
		p.Epoch = v
	case 5:
		p.Partition = int32(v)
	}
}

func (r *Fact) append(b []byte) []byte {
	b = r.Place.append(b)
	b = text(b, 6, r.Family)
	b = text(b, 7, r.Kind)
	b = text(b, 8, r.Item)
	b = text(b, 9, string(r.ID[:]))
	b = num(b, 10, r.OpenedAt)
	b = num(b, 11, r.Version)
	if r.Deleted {
		b = num(b, 12, 1)
	}
	for i := range r.Values {
		v := &r.Values[i]
		if v.IsText {
			b = protowire.AppendTag(b, protowire.Number(v.Number)+FirstColumn, protowire.BytesType)
			b = protowire.AppendString(b, v.Text)
			continue
		}
		b = protowire.AppendTag(b, protowire.Number(v.Number)+FirstColumn, protowire.VarintType)
		b = protowire.AppendVarint(b, protowire.EncodeZigZag(v.Int))
	}
	return b
}

func (r *Fact) set(n int32, v int64, s string, isText bool) error {
	switch n {
	case 6:
		r.Family = s
	case 7:
		r.Kind = s
	case 8:
		r.Item = s
	case 9:
		return setUID(&r.ID, s)
	case 10:
		r.OpenedAt = v
	case 11:
		r.Version = v
	case 12:
		r.Deleted = v != 0
	default:
		if n >= FirstColumn {
			r.Values = append(r.Values, Value{Number: n - FirstColumn, Int: v, Text: s, IsText: isText})
			return nil
		}
		r.Place.set(n, v, s)
	}
	return nil
}

func (r *Pane) append(b []byte) []byte {
	b = r.Place.append(b)
	b = text(b, 6, r.Family)
	b = num(b, 7, int64(r.Grain))
	b = num(b, 8, r.Bucket)
	b = num(b, 9, r.Incarnation)
	b = num(b, 10, r.Version)
	return num(r.appendCells(texts(b, 11, r.Dims)), 13, r.ChangedAt)
}

func (r *Pane) appendCells(b []byte) []byte {
	if len(r.Cells) == 0 {
		return b
	}
	n := 0
	for _, c := range r.Cells {
		n += 4 + protowire.SizeVarint(protowire.EncodeZigZag(c.Value))
	}
	b = protowire.AppendTag(b, 12, protowire.BytesType)
	b = protowire.AppendVarint(b, uint64(n))
	for _, c := range r.Cells {
		b = protowire.AppendFixed32(b, c.Part)
		b = protowire.AppendVarint(b, protowire.EncodeZigZag(c.Value))
	}
	return b
}

func (r *Pane) set(n int32, v int64, s string) error {
	switch n {
	case 6:
		r.Family = s
	case 7:
		r.Grain = int32(v)
	case 8:
		r.Bucket = v
	case 9:
		r.Incarnation = v
	case 10:
		r.Version = v
	case 13:
		r.ChangedAt = v
	case 11:
		r.Dims = append(r.Dims, s)
	case 12:
		return r.setCells(s)
	default:
		r.Place.set(n, v, s)
	}
	return nil
}

func (r *Pane) setCells(s string) error {
	r.Cells = slices.Grow(r.Cells, len(s)/6) // a part is four bytes, its value some two
	for len(s) > 0 {
		if len(s) < 4 {
			return fmt.Errorf("%w: short cell", ErrMalformed)
		}
		v, n := event.ReadVarint(s[4:])
		if n < 0 {
			return fmt.Errorf("%w: short cell", ErrMalformed)
		}
		r.Cells = append(r.Cells, Cell{Part: fixed32(s), Value: protowire.DecodeZigZag(v)})
		s = s[4+n:]
	}
	return nil
}

func (r *Reject) append(b []byte) []byte {
	b = r.Place.append(b)
	b = num(b, 6, r.Offset)
	b = text(b, 7, r.Reason)
	b = text(b, 8, r.Kind)
	b = text(b, 9, r.Entity)
	b = text(b, 10, r.Type)
	b = text(b, 11, string(r.UID[:]))
	b = num(b, 12, int64(r.Hash))
	b = num(b, 13, r.Time)
	b = num(b, 14, r.ReceivedAt)
	b = num(b, 15, r.Session)
	return num(b, 16, r.Version)
}

func (r *Reject) set(n int32, v int64, s string) error {
	switch n {
	case 6:
		r.Offset = v
	case 7:
		r.Reason = s
	case 8:
		r.Kind = s
	case 9:
		r.Entity = s
	case 10:
		r.Type = s
	case 11:
		return setUID(&r.UID, s)
	case 12:
		r.Hash = uint64(v)
	case 13:
		r.Time = v
	case 14:
		r.ReceivedAt = v
	case 15:
		r.Session = v
	case 16:
		r.Version = v
	default:
		r.Place.set(n, v, s)
	}
	return nil
}

func (r *Progress) append(b []byte) []byte {
	b = r.Place.append(b)
	b = num(b, 6, r.Position)
	b = num(b, 7, r.Now)
	b = text(b, 8, r.State)
	b = num(b, 9, r.Session)
	return text(b, 10, r.Definitions)
}

func (r *Progress) set(n int32, v int64, s string) {
	switch n {
	case 6:
		r.Position = v
	case 7:
		r.Now = v
	case 8:
		r.State = s
	case 9:
		r.Session = v
	case 10:
		r.Definitions = s
	default:
		r.Place.set(n, v, s)
	}
}

// Decode reads one record. Every error is an ErrMalformed. Fields of unknown
// number are passed over.
func Decode(b []byte) (Row, error) {
	outer, typ, n := protowire.ConsumeTag(b)
	if n < 0 || typ != protowire.BytesType {
		return nil, fmt.Errorf("%w: no message", ErrMalformed)
	}
	// The words of a row are parts of one string: a copy each would be most of
	// what reading costs.
	body, m := event.ReadText(string(b[n:]))
	if m < 0 || n+m != len(b) {
		return nil, fmt.Errorf("%w: %d bytes do not hold one message", ErrMalformed, len(b))
	}
	switch outer {
	case numFact:
		r := &Fact{}
		return r, each(body, r.set)
	case numPane:
		r := &Pane{}
		return r, each(body, func(n int32, v int64, s string, _ bool) error { return r.set(n, v, s) })
	case numReject:
		r := &Reject{}
		return r, each(body, func(n int32, v int64, s string, _ bool) error { return r.set(n, v, s) })
	case numProgress:
		r := &Progress{}
		return r, each(body, func(n int32, v int64, s string, _ bool) error { r.set(n, v, s); return nil })
	case numReading:
		r := &Reading{}
		return r, each(body, func(n int32, v int64, s string, _ bool) error { return r.set(n, v, s) })
	case numVerdict:
		r := &Verdict{}
		return r, each(body, func(n int32, v int64, s string, _ bool) error { return r.set(n, v, s) })
	case numTally:
		r := &Tally{}
		return r, each(body, func(n int32, v int64, s string, _ bool) error { r.set(n, v, s); return nil })
	default:
		return nil, fmt.Errorf("%w: message %d", ErrMalformed, outer)
	}
}

func each(s string, set func(n int32, v int64, s string, isText bool) error) error {
	for len(s) > 0 {
		tag, n := event.ReadVarint(s)
		if n < 0 || tag>>3 == 0 || tag>>3 > uint64(protowire.MaxValidNumber) {
			return fmt.Errorf("%w: bad tag", ErrMalformed)
		}
		s = s[n:]
		field := int32(tag >> 3)
		var err error
		switch protowire.Type(tag & 7) {
		case protowire.VarintType:
			var v uint64
			if v, n = event.ReadVarint(s); n >= 0 {
				err = set(field, protowire.DecodeZigZag(v), "", false)
			}
		case protowire.BytesType:
			var v string
			if v, n = event.ReadText(s); n >= 0 {
				err = set(field, 0, v, true)
			}
		case protowire.Fixed64Type:
			if n = 8; len(s) < n {
				n = -1
				break
			}
			err = set(field, int64(fixed64(s)), "", false)
		default:
			n = protowire.ConsumeFieldValue(protowire.Number(field), protowire.Type(tag&7), []byte(s))
		}
		if n < 0 {
			return fmt.Errorf("%w: field %d: short", ErrMalformed, field)
		}
		if err != nil {
			return err
		}
		s = s[n:]
	}
	return nil
}

func fixed64(s string) uint64 { return uint64(fixed32(s)) | uint64(fixed32(s[4:]))<<32 }

func fixed32(s string) uint32 {
	return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
}

func setUID(u *event.UID, s string) error {
	if copy(u[:], s) != len(s) || len(s) != len(u) {
		return fmt.Errorf("%w: an id of %d bytes", ErrMalformed, len(s))
	}
	return nil
}

func text(b []byte, n protowire.Number, s string) []byte {
	if s == "" {
		return b
	}
	b = protowire.AppendTag(b, n, protowire.BytesType)
	return protowire.AppendString(b, s)
}

func texts(b []byte, n protowire.Number, all []string) []byte {
	for _, s := range all {
		b = protowire.AppendTag(b, n, protowire.BytesType)
		b = protowire.AppendString(b, s)
	}
	return b
}

// double writes a number, 0 too: absent is another thing.
func double(b []byte, n protowire.Number, v float64) []byte {
	b = protowire.AppendTag(b, n, protowire.Fixed64Type)
	return protowire.AppendFixed64(b, math.Float64bits(v))
}

func num(b []byte, n protowire.Number, v int64) []byte {
	if v == 0 {
		return b
	}
	b = protowire.AppendTag(b, n, protowire.VarintType)
	return protowire.AppendVarint(b, protowire.EncodeZigZag(v))
}

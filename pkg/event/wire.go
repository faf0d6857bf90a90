package event

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// Numbers of the envelope in the Protobuf message nabz.event.v1.Event
// (schemas/events/event.proto is generated from the catalogue).
const (
	numTenant       = 1
	numFeed         = 2
	numType         = 3
	numSource       = 4
	numID           = 5
	numUID          = 6
	numTime         = 7
	numReceivedAt   = 8
	numSequence     = 9
	numRevision     = 10
	numHash         = 11
	numKind         = 12
	numEntity       = 13
	numReplaces     = 14
	numReplacesTime = 15
	numWithdrawn    = 16
	numSession      = 17
	numGeneration   = 18
)

// ErrMalformed is what every error of [Event.Decode] is.
var ErrMalformed = errors.New("malformed event")

// Append encodes e behind dst as one Protobuf message, fields ascending, zero
// values left out.
func (e *Event) Append(dst []byte) []byte {
	dst = appendText(dst, numTenant, e.Tenant)
	dst = appendText(dst, numFeed, e.Feed)
	dst = appendText(dst, numType, e.Type)
	dst = appendText(dst, numSource, e.Source)
	dst = appendText(dst, numID, e.ID)
	return e.appendRest(dst, e.ReceivedAt, e.Kind, e.Entity, e.Session, e.Generation)
}

// AppendHeld encodes what an item keeps of an event: all that its fold and its
// order need, without the words that the item itself or its log already hold.
func (e *Event) AppendHeld(dst []byte) []byte {
	dst = appendText(dst, numType, e.Type)
	return e.appendRest(dst, 0, "", "", 0, 0)
}

func (e *Event) appendRest(dst []byte, received int64, kind, entity string, session, generation int64) []byte {
	if !e.UID.IsZero() {
		dst = protowire.AppendTag(dst, numUID, protowire.BytesType)
		dst = protowire.AppendBytes(dst, e.UID[:])
	}
	dst = appendInt(dst, numTime, e.Time)
	dst = appendInt(dst, numReceivedAt, received)
	dst = appendInt(dst, numSequence, e.Sequence)
	dst = appendInt(dst, numRevision, e.Revision)
	if e.Hash != 0 {
		dst = protowire.AppendTag(dst, numHash, protowire.Fixed64Type)
		dst = protowire.AppendFixed64(dst, e.Hash)
	}
	dst = appendText(dst, numKind, kind)
	dst = appendText(dst, numEntity, entity)
	if !e.Replaces.IsZero() {
		dst = protowire.AppendTag(dst, numReplaces, protowire.BytesType)
		dst = protowire.AppendBytes(dst, e.Replaces[:])
	}
	dst = appendInt(dst, numReplacesTime, e.ReplacesTime)
	if e.Withdrawn {
		dst = protowire.AppendTag(dst, numWithdrawn, protowire.VarintType)
		dst = protowire.AppendVarint(dst, 1)
	}
	dst = appendInt(dst, numSession, session)
	dst = appendInt(dst, numGeneration, generation)
	return appendAttrs(dst, e.Attrs)
}

func appendAttrs(dst []byte, attrs []Attr) []byte {
	for i := range attrs {
		a := &attrs[i]
		if a.IsText {
			dst = protowire.AppendTag(dst, protowire.Number(a.Number), protowire.BytesType)
			dst = protowire.AppendString(dst, a.Text)
			continue
		}
		dst = protowire.AppendTag(dst, protowire.Number(a.Number), protowire.VarintType)
		dst = protowire.AppendVarint(dst, protowire.EncodeZigZag(a.Int))
	}
	return dst
}

func appendText(dst []byte, num protowire.Number, s string) []byte {
	if s == "" {
		return dst
	}
	dst = protowire.AppendTag(dst, num, protowire.BytesType)
	return protowire.AppendString(dst, s)
}

func appendInt(dst []byte, num protowire.Number, v int64) []byte {
	if v == 0 {
		return dst
	}
	dst = protowire.AppendTag(dst, num, protowire.VarintType)
	return protowire.AppendVarint(dst, protowire.EncodeZigZag(v))
}

// ContentHash is the FNV-1a hash of everything that makes two deliveries of an
// event the same content: all but the times of receipt, the copy and the
// replay that brought it.
func (e *Event) ContentHash(scratch []byte) (uint64, []byte) {
	scratch = appendText(scratch[:0], numType, e.Type)
	scratch = appendText(scratch, numSource, e.Source)
	scratch = appendText(scratch, numID, e.ID)
	scratch = appendInt(scratch, numTime, e.Time)
	scratch = appendInt(scratch, numSequence, e.Sequence)
	scratch = appendInt(scratch, numRevision, e.Revision)
	if !e.Replaces.IsZero() {
		scratch = protowire.AppendBytes(scratch, e.Replaces[:])
		scratch = appendInt(scratch, numReplacesTime, e.ReplacesTime)
	}
	scratch = appendAttrs(scratch, e.Attrs)
	h := uint64(14695981039346656037)
	for _, c := range scratch {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return h, scratch
}

// Decode reads one message into e, which it overwrites, keeping the capacity
// of its attributes. The strings of e are parts of s. Fields of an unknown
// number below FirstAttr are passed over, so an older reader outlives a newer
// writer. Every error is an ErrMalformed.
func (e *Event) Decode(s string) error {
	attrs := e.Attrs[:0]
	*e = Event{Attrs: attrs}
	for len(s) > 0 {
		num, typ, n := readTag(s)
		if n <= 0 {
			return fmt.Errorf("%w: bad tag", ErrMalformed)
		}
		s = s[n:]
		switch typ {
		case protowire.VarintType:
			v, n := ReadVarint(s)
			if n <= 0 {
				return fmt.Errorf("%w: field %d: bad varint", ErrMalformed, num)
			}
			s = s[n:]
			e.setInt(num, v)
		case protowire.BytesType:
			v, n := ReadText(s)
			if n <= 0 {
				return fmt.Errorf("%w: field %d: bad length", ErrMalformed, num)
			}
			s = s[n:]
			if !e.setText(num, v) {
				return fmt.Errorf("%w: field %d: %d bytes where 16 belong", ErrMalformed, num, len(v))
			}
		case protowire.Fixed64Type:
			if len(s) < 8 {
				return fmt.Errorf("%w: field %d: short", ErrMalformed, num)
			}
			if num == numHash {
				e.Hash = fixed64(s)
			}
			s = s[8:]
		case protowire.Fixed32Type:
			if len(s) < 4 {
				return fmt.Errorf("%w: field %d: short", ErrMalformed, num)
			}
			s = s[4:]
		default:
			return fmt.Errorf("%w: field %d: wire type %d", ErrMalformed, num, typ)
		}
	}
	return nil
}

func (e *Event) setInt(num int32, raw uint64) {
	v := protowire.DecodeZigZag(raw)
	switch num {
	case numTime:
		e.Time = v
	case numReceivedAt:
		e.ReceivedAt = v
	case numSequence:
		e.Sequence = v
	case numRevision:
		e.Revision = v
	case numReplacesTime:
		e.ReplacesTime = v
	case numWithdrawn:
		e.Withdrawn = raw != 0
	case numSession:
		e.Session = v
	case numGeneration:
		e.Generation = v
	default:
		if num >= FirstAttr {
			e.Attrs = append(e.Attrs, Attr{Number: num, Int: v})
		}
	}
}

func (e *Event) setText(num int32, v string) bool {
	switch num {
	case numTenant:
		e.Tenant = v
	case numFeed:
		e.Feed = v
	case numType:
		e.Type = v
	case numSource:
		e.Source = v
	case numID:
		e.ID = v
	case numUID:
		return copy(e.UID[:], v) == len(v) && len(v) == len(e.UID)
	case numKind:
		e.Kind = v
	case numEntity:
		e.Entity = v
	case numReplaces:
		return copy(e.Replaces[:], v) == len(v) && len(v) == len(e.Replaces)
	default:
		if num >= FirstAttr {
			e.Attrs = append(e.Attrs, Attr{Number: num, Text: v, IsText: true})
		}
	}
	return true
}

// The readers below take strings, which protowire does not: a decoded event
// then shares the memory of its record instead of copying a dozen words.

func readTag(s string) (num int32, typ protowire.Type, n int) {
	v, n := ReadVarint(s)
	if n <= 0 || v>>3 == 0 || v>>3 > uint64(protowire.MaxValidNumber) {
		return 0, 0, -1
	}
	return int32(v >> 3), protowire.Type(v & 7), n
}

// ReadVarint reads a Protobuf varint from the front of s and its length, which
// is -1 where there is none.
func ReadVarint(s string) (uint64, int) {
	var v uint64
	for i := range min(len(s), 10) {
		c := s[i]
		if i == 9 && c > 1 {
			return 0, -1
		}
		v |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			return v, i + 1
		}
	}
	return 0, -1
}

// ReadText reads a string that stands behind its length, and how many bytes both
// take, which is -1 where they are not whole.
func ReadText(s string) (string, int) {
	l, n := ReadVarint(s)
	if n <= 0 || l > uint64(len(s)-n) {
		return "", -1
	}
	return s[n : n+int(l)], n + int(l)
}

func fixed64(s string) uint64 {
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

package loader

import (
	"encoding/binary"
	"hash/maphash"
	"sync/atomic"

	"github.com/nabz/nabz/pkg/row"
)

// audit checks the law that equal key and version have equal content, over the
// rows that this process loaded last. It remembers a bounded number: the law
// is proven in simulation, and this is the smoke alarm.
type audit struct {
	seed       maphash.Seed
	young, old map[uint64]uint64 // content by key and version
	violations atomic.Int64
}

func newAudit() *audit {
	return &audit{seed: maphash.MakeSeed(), young: map[uint64]uint64{}, old: map[uint64]uint64{}}
}

func (a *audit) fact(v *row.Fact, content []byte) {
	h := a.key(&v.Place, v.Family, v.Version)
	_, _ = h.WriteString(v.Item) // a hash takes everything
	_, _ = h.Write(v.ID[:])
	a.see(h.Sum64(), content)
}

func (a *audit) pane(v *row.Pane, content []byte) {
	h := a.key(&v.Place, v.Family, v.Version)
	number(&h, int64(v.Grain))
	number(&h, v.Bucket)
	number(&h, v.Incarnation)
	for _, d := range v.Dims {
		_, _ = h.WriteString(d)
		_ = h.WriteByte(0)
	}
	a.see(h.Sum64(), content)
}

func (a *audit) key(p *row.Place, family string, version int64) maphash.Hash {
	var h maphash.Hash
	h.SetSeed(a.seed)
	_, _ = h.WriteString(p.Tenant)
	_ = h.WriteByte(0)
	_, _ = h.WriteString(p.Feed)
	_ = h.WriteByte(0)
	_, _ = h.WriteString(family)
	number(&h, p.Generation)
	number(&h, p.Epoch)
	number(&h, int64(p.Partition))
	number(&h, version)
	return h
}

func number(h *maphash.Hash, v int64) {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(v))
	_, _ = h.Write(b[:])
}

// see compares the content with what the key and version had before.
func (a *audit) see(key uint64, content []byte) {
	now := maphash.Bytes(a.seed, content)
	was, ok := a.young[key]
	if !ok {
		was, ok = a.old[key]
	}
	if ok && was != now {
		a.violations.Add(1)
	}
	if len(a.young) >= auditKeys {
		a.old, a.young = a.young, a.old
		clear(a.young)
	}
	a.young[key] = now
}

// Package statelog is how a task's state outlives it: an append-only log of
// claims, deltas and footers that fences itself, the bookkeeping of what must
// be written, and the reading back.
//
// It does not know what the entries mean, nor where the log is kept. It reads
// no clock, starts no goroutine and performs no I/O.
package statelog

// Entry is one piece of state under a key of its own.
type Entry interface {
	// StateKey appends the key, the same at every call.
	StateKey(dst []byte) []byte
	// StateValue appends the present value.
	StateValue(dst []byte) []byte
}

// Node ties an entry to its keeper. Its zero value is an entry not yet kept.
type Node struct {
	prev, next *Node
	entry      Entry
	group      int64 // the checkpoint that last wrote it
	stale      bool  // it changed since
}

// Keeper knows every entry of a task in the order in which they were last
// written: what changed goes into the next checkpoint, and so does a slice of
// what did not, oldest first, so that the log behind the oldest can go.
type Keeper struct {
	head, tail *Node // kept entries, the longest unwritten first
	stale      []*Node
	dead       [][]byte // keys to be deleted
	group      int64    // of the last checkpoint
	n          int
}

// Touch says that an entry changed, or that it is new.
func (k *Keeper) Touch(n *Node, e Entry) {
	if n.stale {
		return
	}
	if n.entry == nil {
		n.entry = e
		k.n++
	} else {
		k.unlink(n)
	}
	n.stale = true
	k.stale = append(k.stale, n)
}

// Drop says that an entry is gone. A node that was never touched is ignored.
func (k *Keeper) Drop(n *Node) {
	if n.entry == nil {
		return
	}
	k.dead = append(k.dead, n.entry.StateKey(nil))
	if !n.stale {
		k.unlink(n)
	}
	n.entry = nil
	k.n--
}

// Adopt takes in an entry just as the log holds it: written by group 0, which
// stands for all that came before this owner.
func (k *Keeper) Adopt(n *Node, e Entry) {
	n.entry = e
	k.n++
	k.link(n, 0)
}

// Len is how many entries there are.
func (k *Keeper) Len() int { return k.n }

// Checkpoint calls put with every deletion, every changed entry and up to
// sweep unchanged ones, the longest unwritten first, and value nil for a
// deletion; key and value are put's only until it returns. It gives the number
// of this checkpoint and of the oldest that still holds an entry's newest value.
func (k *Keeper) Checkpoint(sweep int, put func(key, value []byte)) (group, oldest int64) {
	k.group++
	for _, key := range k.dead {
		put(key, nil)
	}
	k.dead = k.dead[:0]
	// An entry may have an empty value, but never none: that would delete it.
	key, value := []byte{}, []byte{}
	write := func(n *Node) {
		key, value = n.entry.StateKey(key[:0]), n.entry.StateValue(value[:0])
		put(key, value)
		k.link(n, k.group)
	}
	for i, n := range k.stale {
		k.stale[i] = nil
		n.stale = false
		if n.entry != nil {
			write(n)
		}
	}
	k.stale = k.stale[:0]
	for ; sweep > 0 && k.head != nil && k.head.group < k.group; sweep-- {
		n := k.head
		k.unlink(n)
		write(n)
	}
	if k.head == nil {
		return k.group, k.group
	}
	return k.group, k.head.group
}

func (k *Keeper) link(n *Node, group int64) {
	n.group, n.prev, n.next = group, k.tail, nil
	if k.tail == nil {
		k.head = n
	} else {
		k.tail.next = n
	}
	k.tail = n
}

func (k *Keeper) unlink(n *Node) {
	if n.prev == nil {
		k.head = n.next
	} else {
		n.prev.next = n.next
	}
	if n.next == nil {
		k.tail = n.prev
	} else {
		n.next.prev = n.prev
	}
	n.prev, n.next = nil, nil
}

package pane

import (
	"cmp"
	"slices"
)

// begins holds when each of the facts began that are open in one level,
// ascending. Facts begin nearly in order and end in any, so an end leaves a gap
// behind, and gaps are closed when they are most of it.
type begins struct {
	list []begin
	head int // what lies before it are gaps
	gaps int
	n    int64 // facts
}

// begin is how many facts began at an instant; none is a gap.
type begin struct {
	at int64 // ms since 1970 UTC
	n  int64
}

func (b *begins) place(at int64) (int, bool) {
	if len(b.list) == 0 || b.list[len(b.list)-1].at < at {
		return len(b.list), false
	}
	return slices.BinarySearchFunc(b.list, at, func(x begin, at int64) int { return cmp.Compare(x.at, at) })
}

func (b *begins) add(at int64) {
	b.n++
	i, there := b.place(at)
	if !there {
		b.list = slices.Insert(b.list, i, begin{at, 1})
	} else {
		if b.list[i].n == 0 {
			b.gaps--
		}
		b.list[i].n++
	}
	b.head = min(b.head, i)
}

// remove takes one out that began at an instant, where there is one.
func (b *begins) remove(at int64) {
	i, there := b.place(at)
	if !there || b.list[i].n == 0 {
		return
	}
	b.n--
	if b.list[i].n--; b.list[i].n > 0 {
		return
	}
	b.gaps++
	if 2*b.gaps > len(b.list) {
		b.list = slices.DeleteFunc(b.list, func(x begin) bool { return x.n == 0 })
		b.head, b.gaps = 0, 0
		return
	}
	for b.list[b.head].n == 0 {
		b.head++
	}
}

// oldest is when the oldest began, or 0 if there is none or it began at or
// after an instant.
func (b *begins) oldest(before int64) int64 {
	if b.n == 0 || b.list[b.head].at >= before {
		return 0
	}
	return b.list[b.head].at
}

// after calls f with those that began after an instant, and says how many did not.
func (b *begins) after(at int64, f func(begin)) int64 {
	n := b.n
	for i := len(b.list) - 1; i >= b.head && b.list[i].at > at; i-- {
		if b.list[i].n > 0 {
			n -= b.list[i].n
			f(b.list[i])
		}
	}
	return n
}
